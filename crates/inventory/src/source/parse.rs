//! Parser events to the raw tree.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use sty_core::Diagnostic;

use super::value::{Data, Entry, Place, Scalar, Value};
use crate::codes;
use crate::report::Report;

/// Nodes that aliases may expand to before the file is refused.
const MAX_NODES: u64 = 20_000_000;
/// Levels of nesting, aliases expanded.
const MAX_DEPTH: u32 = 200;

/// Reads one document. `None` when it is not YAML or says nothing; why is in `report`.
pub(crate) fn parse(text: &str, report: &Report) -> Option<Value> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder::new(report);
    for next in Parser::new_from_str(text) {
        let step = match next {
            Ok((event, span)) => builder.event(event, place(span.start)),
            Err(error) => Err(stop(place(*error.marker()), error.info())),
        };
        if let Err(stop) = step {
            builder.stop(&stop);
            return None;
        }
    }
    builder.finish()
}

/// Reads a default out of the code: JSON, which is YAML too; places are "not written".
pub(crate) fn parse_default(json: &str) -> Value {
    let report = Report::new("default");
    let value = parse(json, &report).unwrap_or_else(Value::null);
    debug_assert!(!report.has_errors(), "default is not valid: {json}");
    unplaced(&value)
}

fn unplaced(value: &Value) -> Value {
    let data = match &value.data {
        Data::List(items) => Data::List(items.iter().map(unplaced).collect()),
        Data::Map(entries) => Data::Map(
            entries
                .iter()
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    key_place: Place::default(),
                    value: unplaced(&entry.value),
                })
                .collect(),
        ),
        other => other.clone(),
    };
    Value {
        place: Place::default(),
        data,
    }
}

fn place(mark: Marker) -> Place {
    Place {
        line: u32::try_from(mark.line()).unwrap_or(u32::MAX),
        column: u32::try_from(mark.col().saturating_add(1)).unwrap_or(u32::MAX),
    }
}

/// Why reading ended early.
struct Stop {
    place: Place,
    message: String,
    /// The next step.
    help: &'static str,
}

/// A finished value with what it costs to walk it.
#[derive(Clone)]
struct Built {
    value: Value,
    nodes: u64,
    depth: u32,
}

enum Frame {
    List {
        place: Place,
        anchor: usize,
        items: Vec<Value>,
        nodes: u64,
        depth: u32,
    },
    Map(MapFrame),
}

struct MapFrame {
    place: Place,
    anchor: usize,
    entries: Vec<Entry>,
    key: Option<(Arc<str>, Place, bool)>,
    merged: Vec<Value>,
    nodes: u64,
    depth: u32,
}

struct Builder<'r> {
    report: &'r Report,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Built>,
    keys: HashMap<Arc<str>, Arc<str>>,
    root: Option<Value>,
    documents: usize,
}

impl<'r> Builder<'r> {
    fn new(report: &'r Report) -> Self {
        Self {
            report,
            frames: Vec::new(),
            anchors: HashMap::new(),
            keys: HashMap::new(),
            root: None,
            documents: 0,
        }
    }

    fn event(&mut self, event: Event<'_>, place: Place) -> Result<(), Stop> {
        match event {
            Event::DocumentStart(..) => self.document(place),
            Event::Scalar(text, style, anchor, tag) => {
                let data = scalar(&text, style, tag.as_deref(), place)?;
                self.add(leaf(place, data), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), place)?;
                self.frames.push(Frame::List {
                    place,
                    anchor,
                    items: Vec::new(),
                    nodes: 1,
                    depth: 1,
                });
                Ok(())
            }
            Event::MappingStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), place)?;
                self.frames.push(Frame::Map(MapFrame {
                    place,
                    anchor,
                    entries: Vec::new(),
                    key: None,
                    merged: Vec::new(),
                    nodes: 1,
                    depth: 1,
                }));
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(place),
            Event::Alias(id) => self.alias(id, place),
            _ => Ok(()),
        }
    }

    fn document(&mut self, place: Place) -> Result<(), Stop> {
        self.documents += 1;
        if self.documents > 1 {
            return Err(stop(
                place,
                "a second document begins here; an inventory is one",
            ));
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, place: Place) -> Result<(), Stop> {
        let Some(mut built) = self.anchors.get(&id).cloned() else {
            return Err(stop(
                place,
                "the alias refers to something that contains it",
            ));
        };
        built.value.place = place;
        self.add(built, 0)
    }

    fn close(&mut self, end: Place) -> Result<(), Stop> {
        match self.frames.pop() {
            Some(Frame::List {
                place,
                anchor,
                items,
                nodes,
                depth,
            }) => {
                let data = Data::List(items.into());
                let value = Value { place, data };
                self.add(
                    Built {
                        value,
                        nodes,
                        depth,
                    },
                    anchor,
                )
            }
            Some(Frame::Map(frame)) => {
                let anchor = frame.anchor;
                let built = self.close_map(frame)?;
                self.add(built, anchor)
            }
            None => Err(stop(end, "unexpected end of a collection")),
        }
    }

    fn close_map(&mut self, frame: MapFrame) -> Result<Built, Stop> {
        let MapFrame {
            place,
            mut entries,
            merged,
            nodes,
            depth,
            ..
        } = frame;
        if entries.len() > 1 {
            self.refuse_duplicates(&mut entries);
        }
        for source in &merged {
            merge(&mut entries, source)?;
        }
        let data = Data::Map(entries.into());
        let value = Value { place, data };
        Ok(Built {
            value,
            nodes,
            depth,
        })
    }

    fn refuse_duplicates(&mut self, entries: &mut Vec<Entry>) {
        let mut first: HashMap<Arc<str>, Place> = HashMap::with_capacity(entries.len());
        let report = self.report;
        entries.retain(|entry| {
            let Some(earlier) = first.get(&entry.key).copied() else {
                first.insert(entry.key.clone(), entry.key_place);
                return true;
            };
            let message = format!("`{}` is written twice in one mapping", entry.key);
            let found = Diagnostic::error(codes::DUPLICATE_KEY, message);
            let found = report.label(found, entry.key_place, "again here");
            let found = report.label(found, earlier, "first here");
            report.push(found.help("keep one of them"));
            false
        });
    }

    fn add(&mut self, built: Built, anchor: usize) -> Result<(), Stop> {
        let place = built.value.place;
        if built.depth > MAX_DEPTH {
            return Err(stop(place, "nested too deeply"));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, built.clone());
        }
        let (total, level) = match self.frames.last_mut() {
            None => {
                self.root = Some(built.value);
                return Ok(());
            }
            Some(Frame::List {
                items,
                nodes,
                depth,
                ..
            }) => {
                items.push(built.value);
                (nodes, depth)
            }
            Some(Frame::Map(frame)) => {
                add_to_map(frame, built.value, &mut self.keys)?;
                (&mut frame.nodes, &mut frame.depth)
            }
        };
        *total = total.saturating_add(built.nodes);
        *level = (*level).max(built.depth + 1);
        if *total > MAX_NODES {
            return Err(stop(place, "aliases expand to too much"));
        }
        Ok(())
    }

    fn stop(&mut self, stop: &Stop) {
        self.report.error(
            codes::SYNTAX,
            stop.place,
            format!("not readable as YAML: {}", stop.message),
            "reading stopped here",
            stop.help,
        );
    }

    fn finish(self) -> Option<Value> {
        match self.root {
            Some(value) if !value.is_null() => Some(value),
            _ => {
                let place = Place { line: 1, column: 1 };
                self.report.error(
                    codes::EMPTY,
                    place,
                    "the inventory is empty",
                    "nothing is declared",
                    "write one from a template: `sty init`",
                );
                None
            }
        }
    }
}

fn add_to_map(
    frame: &mut MapFrame,
    value: Value,
    keys: &mut HashMap<Arc<str>, Arc<str>>,
) -> Result<(), Stop> {
    let Some((key, key_place, is_merge)) = frame.key.take() else {
        frame.key = Some(map_key(value, keys)?);
        return Ok(());
    };
    if is_merge {
        frame.merged.push(value);
    } else {
        frame.entries.push(Entry {
            key,
            key_place,
            value,
        });
    }
    Ok(())
}

fn map_key(
    value: Value,
    keys: &mut HashMap<Arc<str>, Arc<str>>,
) -> Result<(Arc<str>, Place, bool), Stop> {
    let place = value.place;
    match value.data {
        Data::Scalar(Scalar { text, quoted }) => {
            let is_merge = !quoted && &*text == "<<";
            let text = keys.entry(text.clone()).or_insert(text).clone();
            Ok((text, place, is_merge))
        }
        _ => Err(stop(place, "a key has to be text")),
    }
}

/// Adds what `source` has and `entries` lack.
fn merge(entries: &mut Vec<Entry>, source: &Value) -> Result<(), Stop> {
    match &source.data {
        Data::Null => Ok(()),
        Data::List(items) => items.iter().try_for_each(|item| match item.data {
            Data::Map(_) => merge(entries, item),
            _ => Err(stop(item.place, "`<<` merges mappings only")),
        }),
        Data::Map(theirs) => {
            let own: HashSet<Arc<str>> = entries.iter().map(|entry| entry.key.clone()).collect();
            let new = theirs.iter().filter(|entry| !own.contains(&entry.key));
            entries.extend(new.cloned());
            Ok(())
        }
        Data::Scalar(_) => Err(stop(source.place, "`<<` merges mappings only")),
    }
}

fn leaf(place: Place, data: Data) -> Built {
    Built {
        value: Value { place, data },
        nodes: 1,
        depth: 1,
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, place: Place) -> Result<Data, Stop> {
    let as_text = check_tag(tag, place)?;
    let quoted = as_text || style != ScalarStyle::Plain;
    if !quoted && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        return Ok(Data::Null);
    }
    Ok(Data::Scalar(Scalar {
        text: text.into(),
        quoted,
    }))
}

/// Whether the tag says "text"; tags that would need Ansible to understand are refused.
fn check_tag(tag: Option<&Tag>, place: Place) -> Result<bool, Stop> {
    match tag {
        None => Ok(false),
        Some(tag) if tag.is_yaml_core_schema() => Ok(tag.suffix() == "str"),
        Some(tag) if tag.suffix() == "unsafe" => Ok(true),
        Some(tag) => Err(Stop {
            help: match tag.suffix() {
                "vault" => "write the value itself, in a file that only its owner can read",
                _ => "take the tag out",
            },
            ..stop(
                place,
                format!("the tag `!{}` is not supported", tag.suffix()),
            )
        }),
    }
}

fn stop(place: Place, message: impl Into<String>) -> Stop {
    Stop {
        place,
        message: message.into(),
        help: "check indentation, quotes and brackets at and before this line",
    }
}
