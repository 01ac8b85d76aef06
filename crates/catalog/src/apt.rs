//! How a node is told about its package repository.

use crate::Os;

/// Where the node keeps the source's text.
pub const APT_SOURCE_PATH: &str = "/etc/apt/sources.list.d/sty.sources";
/// Where the node keeps the repository's public key, as text: apt takes a name ending in `.asc`
/// for that.
pub const APT_KEY_PATH: &str = "/etc/apt/keyrings/sty.asc";
/// Name of the public key below the repository's address, in binary form.
pub const APT_KEY_NAME: &str = "sty.gpg";

/// The deb822 text of [`APT_SOURCE_PATH`] for a repository served below `base`, such as
/// `http://10.10.10.1:8080`. Packages are accepted only when signed by the key at
/// [`APT_KEY_PATH`]. Without a managed-by line: the caller writes that.
pub fn apt_source(os: &Os, base: &str) -> String {
    let base = base.trim_end_matches('/');
    format!(
        "Types: deb\nURIs: {base}/{}/\nSuites: ./\nSigned-By: {APT_KEY_PATH}\n",
        os.id
    )
}

#[cfg(test)]
mod tests {
    use crate::{Catalog, apt_source};

    #[test]
    fn a_source_names_its_system_and_key() {
        let os = Catalog::builtin().os("debian-13").unwrap();
        let expected = "Types: deb\nURIs: http://10.10.10.1:8080/debian-13/\nSuites: ./\n\
                        Signed-By: /etc/apt/keyrings/sty.asc\n";
        assert_eq!(apt_source(os, "http://10.10.10.1:8080"), expected);
        assert_eq!(apt_source(os, "http://10.10.10.1:8080/"), expected);
    }
}
