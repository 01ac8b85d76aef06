//! What the documents tell people to type and to write is understood.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A fenced block: where it begins, its language, its lines.
struct Block {
    place: String,
    language: String,
    lines: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn documents() -> Vec<PathBuf> {
    let docs = std::fs::read_dir(root().join("docs")).unwrap();
    let mut all: Vec<PathBuf> = docs.map(|entry| entry.unwrap().path()).collect();
    all.push(root().join("README.md"));
    all.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    all.sort();
    all
}

fn blocks(language: &str) -> Vec<Block> {
    let mut found = Vec::new();
    for path in documents() {
        let mut open: Option<Block> = None;
        for (number, line) in (1..).zip(std::fs::read_to_string(&path).unwrap().lines()) {
            match (&mut open, line.strip_prefix("```")) {
                (None, Some(language)) => {
                    open = Some(Block {
                        place: format!("{}:{number}", path.display()),
                        language: language.to_owned(),
                        lines: Vec::new(),
                    });
                }
                (Some(_), Some(_)) => found.extend(open.take()),
                (Some(block), None) => block.lines.push(line.to_owned()),
                (None, None) => {}
            }
        }
        assert!(
            open.is_none(),
            "{} has a block without an end",
            path.display()
        );
    }
    found.retain(|block| block.language == language);
    assert!(!found.is_empty(), "no block in `{language}`");
    found
}

/// The commands of a shell line, without comments, pipes and redirections.
fn commands(line: &str) -> Vec<Vec<String>> {
    let words = shlex::split(line).unwrap_or_default();
    let ends = |word: &String| ["|", "&&", ";", "&"].contains(&word.as_str());
    let kept = |command: &[String]| {
        let redirected = command.iter().position(|word| word.starts_with('>'));
        command[..redirected.unwrap_or(command.len())].to_vec()
    };
    words.split(ends).map(kept).collect()
}

fn sty(arguments: &[String], directory: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sty"))
        .args(arguments)
        .current_dir(directory)
        .env_remove("STY_INVENTORY")
        .env_remove("STY_SANDBOX")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

#[test]
fn commands_exist() {
    let home = tempfile::tempdir().unwrap();
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    let mut seen = 0;
    for block in blocks("sh") {
        for command in block.lines.iter().flat_map(|line| commands(line)) {
            let Some((program, arguments)) = command.split_first() else {
                continue;
            };
            match program.as_str() {
                "make" => {
                    let target = format!("\n{}:", arguments[0]);
                    assert!(makefile.contains(&target), "{}: {command:?}", block.place);
                }
                "sty" => {
                    // Asked for help, it reads all that stands before and does nothing.
                    let mut words = arguments.to_vec();
                    let end = words.iter().position(|word| word == "--");
                    words.insert(end.unwrap_or(words.len()), "--help".to_owned());
                    let output = sty(&words, home.path());
                    let place = &block.place;
                    assert!(
                        output.status.success(),
                        "{place}: {command:?}\n{}",
                        said(&output)
                    );
                }
                _ => continue,
            }
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen} commands");
}

/// Settings of a cluster, block by block: a later one may build upon those before it.
#[test]
fn inventories_are_valid() {
    // The template's own databases belong to users that a block may replace.
    let none = "pg_databases: []".to_owned();
    let mut settings = vec![("pg_databases".to_owned(), vec![none])];
    let mut seen = 0;
    for block in blocks("yaml") {
        let own = top_level(&block.lines);
        if own.iter().any(|(name, _)| name.contains('-')) {
            // A whole group: its members are its own.
            continue;
        }
        for (name, lines) in own {
            settings.retain(|(known, _)| *known != name);
            settings.push((name, lines));
        }
        let home = tempfile::tempdir().unwrap();
        let output = sty(&["init", "trio"].map(str::to_owned), home.path());
        assert!(output.status.success(), "{}", said(&output));
        let file = home.path().join("pigsty.yml");
        let template = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, with(&template, &settings)).unwrap();
        std::fs::write(home.path().join("shop.sql"), "select 1;\n").unwrap();
        let output = sty(&["check".to_owned()], home.path());
        let text = said(&output);
        let written = block.lines.join("\n");
        assert!(
            output.status.success(),
            "{}:\n{written}\n{text}",
            block.place
        );
        seen += 1;
    }
    assert!(seen > 4, "{seen} inventories");
}

/// Settings with their lines.
fn top_level(lines: &[String]) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for line in lines.iter().filter(|line| !line.starts_with('#')) {
        match (line.starts_with([' ', '-']), line.split_once(':')) {
            (false, Some((name, _))) => found.push((name.to_owned(), vec![line.clone()])),
            _ => found.last_mut().unwrap().1.push(line.clone()),
        }
    }
    found
}

/// The settings as variables of the template's cluster, in place of its own.
fn with(template: &str, settings: &[(String, Vec<String>)]) -> String {
    const INDENT: &str = "        ";
    let mut text = String::new();
    let mut skips = false;
    for line in template.lines() {
        let depth = line.len() - line.trim_start().len();
        if depth <= INDENT.len() && !line.trim().is_empty() {
            let name = line.trim().split(':').next().unwrap_or_default();
            skips = depth == INDENT.len() && settings.iter().any(|(known, _)| known == name);
        }
        if skips {
            continue;
        }
        text.push_str(line);
        text.push('\n');
        if line.trim_start().starts_with("pg_cluster:") {
            for line in settings.iter().flat_map(|(_, lines)| lines) {
                text.push_str(INDENT);
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}
