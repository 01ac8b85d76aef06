//! What is inside a database: schemas, extensions, default privileges.

use sty_core::{Objects, Risk};
use sty_wire::observation::Change;
use sty_wire::postgres::{DatabaseSpec, DefaultPrivilege, ExtensionSpec, SchemaSpec};

use super::model::{AvailableExtension, ObservedContents, ObservedExtension, ObservedSchema};
use super::privilege;
use super::statement::Statement;
use super::version::{Feature, has};
use super::{Comparison, Place};

/// Adds what brings the inside of the database of `spec` about.
///
/// What `spec` does not name stays as it is.
pub(super) fn compare(
    result: &mut Comparison,
    spec: &DatabaseSpec,
    inside: &ObservedContents,
    major: u32,
) {
    let mut inner = Inner {
        place: Place::Database(spec.name.clone()),
        result,
    };
    for schema in spec.schemas.iter().filter(|schema| !schema.absent) {
        inner.schema(schema, inside.schemas.get(&schema.name));
    }
    inner.extension_schemas(spec, inside);
    for extension in &spec.extensions {
        inner.extension(extension, inside);
    }
    for privilege in &spec.default_privileges {
        inner.default_privilege(privilege, inside, major);
    }
    for schema in spec.schemas.iter().filter(|schema| schema.absent) {
        if let Some(found) = inside.schemas.get(&schema.name) {
            inner.drop_schema(schema, found, inside);
        }
    }
}

/// Whether the comparison needs to know what extensions there are files for.
pub fn needs_available(spec: &DatabaseSpec, inside: &ObservedContents) -> bool {
    let wanted = spec.extensions.iter().filter(|extension| !extension.absent);
    let settled = |extension: &ExtensionSpec| {
        inside.extensions.get(&extension.name).is_some_and(|found| {
            let version = extension.version.as_ref();
            version.is_none_or(|version| *version == found.version)
        })
    };
    !wanted.into_iter().all(settled)
}

struct Inner<'a> {
    place: Place,
    result: &'a mut Comparison,
}

impl Inner<'_> {
    fn push(&mut self, change: Change, statement: Statement) {
        self.result.push(self.place.clone(), change, statement);
    }

    fn schema(&mut self, spec: &SchemaSpec, observed: Option<&ObservedSchema>) {
        let schema = spec.name.clone();
        let Some(observed) = observed else {
            let owner = spec.owner.clone();
            let change = missing(format!("schema {schema}"));
            self.push(change, Statement::CreateSchema { schema, owner });
            for grantee in &spec.usage_to {
                let (schema, grantee) = (spec.name.clone(), grantee.clone());
                let statement = Statement::GrantSchemaUsage { schema, grantee };
                self.result.support(self.place.clone(), statement);
            }
            return;
        };
        if let Some(owner) = spec.owner.as_ref().filter(|name| **name != observed.owner) {
            let change = Change::new(format!("owner of schema {schema}"), &observed.owner, owner);
            let (schema, owner) = (schema.clone(), owner.clone());
            self.push(change, Statement::SchemaOwner { schema, owner });
        }
        let may_use = |role: &String| {
            let mut granted = observed.usage.iter();
            *role == observed.owner || granted.any(|one| one == role || one == "PUBLIC")
        };
        for grantee in spec.usage_to.iter().filter(|role| !may_use(role)) {
            let change = missing(format!("usage of schema {schema} for {grantee}"));
            let (schema, grantee) = (schema.clone(), grantee.clone());
            self.push(change, Statement::GrantSchemaUsage { schema, grantee });
        }
    }

    fn drop_schema(
        &mut self,
        spec: &SchemaSpec,
        observed: &ObservedSchema,
        inside: &ObservedContents,
    ) {
        let schema = spec.name.clone();
        let leaving = inside
            .extensions
            .iter()
            .any(|(_, found)| found.schema == schema);
        if observed.objects > 0 && !leaving {
            self.result.conflict(
                format!(
                    "schema `{schema}` should go but holds {} objects",
                    observed.objects
                ),
                "move or drop them first: a schema is dropped only when it is empty",
            );
            return;
        }
        let change = Change {
            what: format!("schema {schema}"),
            from: Some("present".to_owned()),
            to: None,
            ..Change::default()
        };
        self.push(change, Statement::DropSchema { schema });
    }

    /// Schemas that extensions go to and that nobody declared.
    fn extension_schemas(&mut self, spec: &DatabaseSpec, inside: &ObservedContents) {
        let mut done: Vec<&str> = Vec::new();
        let wanted = spec.extensions.iter().filter(|extension| !extension.absent);
        for schema in wanted.filter_map(|extension| extension.schema.as_deref()) {
            let declared = spec.schemas.iter().any(|s| s.name == schema && !s.absent);
            let known = schema.starts_with("pg_") || inside.schemas.contains_key(schema);
            if !declared && !known && !done.contains(&schema) {
                done.push(schema);
                let change = missing(format!("schema {schema}"));
                let schema = schema.to_owned();
                let owner = None;
                self.push(change, Statement::CreateSchema { schema, owner });
            }
        }
    }

    fn extension(&mut self, spec: &ExtensionSpec, inside: &ObservedContents) {
        let available = inside.available.as_ref();
        match (spec.absent, inside.extensions.get(&spec.name)) {
            (true, None) => {}
            (true, Some(found)) => self.drop_extension(spec, found),
            (false, None) => {
                let files = available.map(|all| all.get(&spec.name));
                self.create_extension(spec, files);
            }
            (false, Some(found)) => {
                let files = available.and_then(|all| all.get(&spec.name));
                self.alter_extension(spec, found, files);
            }
        }
    }

    /// `files` is `None` when nobody looked, `Some(None)` when there are none.
    fn create_extension(
        &mut self,
        spec: &ExtensionSpec,
        files: Option<Option<&AvailableExtension>>,
    ) {
        let name = &spec.name;
        let Some(files) = files
            .unwrap_or(Some(&AvailableExtension::default()))
            .cloned()
        else {
            self.result.conflict(
                format!("extension `{name}` is not installed on this node"),
                "add it to `pg_extensions`, so that its package is installed",
            );
            return;
        };
        if let Some(version) = &spec.version
            && !self.has_version(name, version, &files)
        {
            return;
        }
        if let (Some(own), Some(schema)) = (&files.schema, &spec.schema)
            && own != schema
        {
            self.result.conflict(
                format!("extension `{name}` lives in schema `{own}` and cannot be in `{schema}`"),
                format!("write `schema: {own}`, or no schema"),
            );
            return;
        }
        let statement = Statement::CreateExtension {
            extension: name.clone(),
            schema: spec.schema.clone(),
            version: spec.version.clone(),
        };
        self.push(missing(format!("extension {name}")), statement);
    }

    fn alter_extension(
        &mut self,
        spec: &ExtensionSpec,
        found: &ObservedExtension,
        files: Option<&AvailableExtension>,
    ) {
        let extension = spec.name.clone();
        if let Some(version) = spec.version.as_ref().filter(|v| **v != found.version)
            && files.is_none_or(|files| self.has_version(&extension, version, files))
        {
            let what = format!("version of extension {extension}");
            let change = Change::new(what, &found.version, version);
            let (extension, version) = (extension.clone(), version.clone());
            self.push(change, Statement::UpdateExtension { extension, version });
        }
        let Some(schema) = spec.schema.as_ref().filter(|s| **s != found.schema) else {
            return;
        };
        if found.relocatable {
            let what = format!("schema of extension {extension}");
            let change = Change::new(what, &found.schema, schema);
            let schema = schema.clone();
            self.push(change, Statement::MoveExtension { extension, schema });
        } else {
            self.result.conflict(
                format!(
                    "extension `{extension}` is in schema `{}` and cannot be moved to `{schema}`",
                    found.schema
                ),
                format!("write `schema: {}` for it", found.schema),
            );
        }
    }

    fn has_version(&mut self, name: &str, version: &str, files: &AvailableExtension) -> bool {
        let known = files.versions.is_empty() || files.versions.contains(version);
        if !known {
            let all: Vec<&str> = files.versions.iter().map(String::as_str).collect();
            self.result.conflict(
                format!("extension `{name}` has no version `{version}` on this node"),
                format!("it has {}", all.join(", ")),
            );
        }
        known
    }

    fn drop_extension(&mut self, spec: &ExtensionSpec, found: &ObservedExtension) {
        let change = Change {
            what: format!("extension {}", spec.name),
            from: Some(found.version.clone()),
            to: None,
            ..Change::default()
        };
        let risk = if found.owns_tables {
            Risk::Destroy
        } else {
            Risk::Safe
        };
        let extension = spec.name.clone();
        let statement = Statement::DropExtension { extension };
        self.result
            .push_risky(self.place.clone(), change, statement, risk);
    }

    fn default_privilege(
        &mut self,
        spec: &DefaultPrivilege,
        inside: &ObservedContents,
        major: u32,
    ) {
        let objects = spec.objects;
        if objects == Objects::LargeObjects && !has(major, Feature::LargeObjectDefaults) {
            self.unknown_privilege(spec, "objects", objects.keyword());
            return;
        }
        let known = privilege::of(objects, major);
        let same = |name: &&str| name.eq_ignore_ascii_case(&spec.privilege);
        let wanted: Vec<&'static str> = match spec.privilege.to_ascii_uppercase().as_str() {
            "ALL" | "ALL PRIVILEGES" => known.collect(),
            _ => known.filter(same).collect(),
        };
        if wanted.is_empty() {
            self.unknown_privilege(spec, "privilege", &spec.privilege);
        }
        let (creator, to) = (&spec.creator, &spec.grantee);
        for privilege in wanted {
            if !privilege::holds_by_default(objects, &inside.default_acl, creator, to, privilege) {
                let keyword = objects.keyword();
                let what = format!("default {privilege} on {keyword} of {creator} for {to}");
                let statement = Statement::GrantByDefault {
                    creator: creator.clone(),
                    privilege,
                    objects: keyword,
                    grantee: to.clone(),
                };
                self.push(missing(what), statement);
            }
        }
    }

    fn unknown_privilege(&mut self, spec: &DefaultPrivilege, what: &str, text: &str) {
        self.result.conflict(
            format!(
                "default privileges of `{}`: unknown {what} `{text}`",
                spec.creator
            ),
            "see `pg_default_privileges`",
        );
    }
}

fn missing(what: String) -> Change {
    Change {
        what,
        from: None,
        to: Some("present".to_owned()),
        ..Change::default()
    }
}
