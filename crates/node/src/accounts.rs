//! Users and groups, read from the files themselves: a static program has no name service.

use std::collections::BTreeMap;
use std::fs;

use sty_wire::observation::Failure;
use sty_wire::resource::Access;

/// A line of /etc/passwd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) home: String,
    pub(crate) shell: String,
}

/// A line of /etc/group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) gid: u32,
    pub(crate) members: Vec<String>,
}

/// All users and groups.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    pub(crate) users: BTreeMap<String, Account>,
    pub(crate) groups: BTreeMap<String, Group>,
}

impl Accounts {
    /// Reads /etc/passwd and /etc/group.
    pub(crate) fn read() -> Result<Self, Failure> {
        let read = |path: &str| {
            fs::read_to_string(path)
                .map_err(|error| Failure::message(format!("cannot read {path}: {error}")))
        };
        Ok(Self::parse(&read("/etc/passwd")?, &read("/etc/group")?))
    }

    fn parse(passwd: &str, group: &str) -> Self {
        Self {
            users: passwd.lines().filter_map(account).collect(),
            groups: group.lines().filter_map(group_line).collect(),
        }
    }

    /// Numbers of owner and group, or what is missing, in words.
    pub(crate) fn resolve(&self, access: &Access) -> Result<(u32, u32), String> {
        let user = self.users.get(&access.owner);
        let group = self.groups.get(&access.group);
        match (user, group) {
            (Some(user), Some(group)) => Ok((user.uid, group.gid)),
            (None, _) => Err(format!("user `{}` does not exist", access.owner)),
            (_, None) => Err(format!("group `{}` does not exist", access.group)),
        }
    }

    /// Name of a user, or its number.
    pub(crate) fn user_name(&self, uid: u32) -> String {
        let found = self.users.iter().find(|(_, user)| user.uid == uid);
        found.map_or_else(|| uid.to_string(), |(name, _)| name.clone())
    }

    /// Name of a group, or its number.
    pub(crate) fn group_name(&self, gid: u32) -> String {
        let found = self.groups.iter().find(|(_, group)| group.gid == gid);
        found.map_or_else(|| gid.to_string(), |(name, _)| name.clone())
    }
}

fn account(line: &str) -> Option<(String, Account)> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    let home = fields.nth(1)?.to_owned();
    let shell = fields.next()?.to_owned();
    Some((
        name,
        Account {
            uid,
            gid,
            home,
            shell,
        },
    ))
}

fn group_line(line: &str) -> Option<(String, Group)> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let gid = fields.nth(1)?.parse().ok()?;
    let members = fields
        .next()?
        .split(',')
        .filter(|member| !member.is_empty());
    let members = members.map(str::to_owned).collect();
    Some((name, Group { gid, members }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwd_and_group_lines_are_read() {
        let accounts = Accounts::parse(
            "root:x:0:0:root:/root:/bin/bash\nbroken\ndba:x:88:88:DBA,,,:/home/dba:/bin/sh\n",
            "root:x:0:\nssl-cert:x:101:postgres,dba\n",
        );
        assert_eq!(accounts.users["dba"].uid, 88);
        assert_eq!(accounts.users["dba"].shell, "/bin/sh");
        assert_eq!(accounts.groups["ssl-cert"].members, ["postgres", "dba"]);
        assert_eq!(
            accounts.resolve(&Access::new("dba", "ssl-cert", 0o600)),
            Ok((88, 101))
        );
        assert_eq!(
            accounts.resolve(&Access::new("etcd", "root", 0o600)),
            Err("user `etcd` does not exist".to_owned())
        );
        assert_eq!(accounts.user_name(88), "dba");
        assert_eq!(accounts.user_name(99), "99");
    }
}
