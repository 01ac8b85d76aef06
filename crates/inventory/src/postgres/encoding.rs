//! Encodings, by the names that PostgreSQL understands.

/// An encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoding {
    /// As PostgreSQL writes its name.
    pub(crate) name: &'static str,
    /// Whether a database can be in it; others are for clients only.
    pub(crate) server: bool,
}

const SERVER: &str = "EUC_CN EUC_JIS_2004 EUC_JP EUC_KR EUC_TW ISO_8859_5 ISO_8859_6 ISO_8859_7 \
    ISO_8859_8 KOI8R KOI8U LATIN1 LATIN2 LATIN3 LATIN4 LATIN5 LATIN6 LATIN7 LATIN8 LATIN9 LATIN10 \
    MULE_INTERNAL SQL_ASCII UTF8 WIN866 WIN874 WIN1250 WIN1251 WIN1252 WIN1253 WIN1254 WIN1255 \
    WIN1256 WIN1257 WIN1258";
const CLIENT: &str = "BIG5 GB18030 GBK JOHAB SHIFT_JIS_2004 SJIS UHC";
/// Further names, as [`plain`] leaves them.
const OTHERS: &str = "abc=WIN1258 alt=WIN866 iso88591=LATIN1 iso885910=LATIN6 iso885913=LATIN7 \
    iso885914=LATIN8 iso885915=LATIN9 iso885916=LATIN10 iso88592=LATIN2 iso88593=LATIN3 \
    iso88594=LATIN4 iso88599=LATIN5 koi8=KOI8R mskanji=SJIS shiftjis=SJIS tcvn=WIN1258 \
    tcvn5712=WIN1258 unicode=UTF8 vscii=WIN1258 win=WIN1251 win932=SJIS win936=GBK win949=UHC \
    win950=BIG5";

impl Encoding {
    /// The encoding of that name. As to PostgreSQL, only letters and digits count.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let plain = plain(name).replace("windows", "win");
        let others = OTHERS.split_whitespace();
        let meant = others
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(other, meant)| (other == plain).then_some(meant));
        let of = |names: &'static str, server| {
            names
                .split_whitespace()
                .find(|known| {
                    meant.map_or_else(|| self::plain(known) == plain, |one| one == *known)
                })
                .map(|name| Self { name, server })
        };
        of(SERVER, true).or_else(|| of(CLIENT, false))
    }

    /// Names of those that a database can be in.
    pub(crate) fn of_servers() -> impl Iterator<Item = &'static str> {
        SERVER.split_whitespace()
    }
}

/// The encoding of that name as PostgreSQL writes it; what is none stays, and is told elsewhere.
pub(crate) fn canonical(name: &str) -> String {
    let known = Encoding::named(name).map(|encoding| encoding.name);
    known.unwrap_or(name).to_owned()
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|one| one.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Encoding, OTHERS};

    #[test]
    fn encodings() {
        let name = |text: &str| Encoding::named(text).map(|one| (one.name, one.server));
        assert_eq!(name("UTF8"), Some(("UTF8", true)));
        assert_eq!(name("utf-8"), Some(("UTF8", true)));
        assert_eq!(name("ISO-8859-1"), Some(("LATIN1", true)));
        assert_eq!(name("Windows-1252"), Some(("WIN1252", true)));
        assert_eq!(name("iso_8859_5"), Some(("ISO_8859_5", true)));
        assert_eq!(name("GBK"), Some(("GBK", false)));
        assert_eq!(name("UTF16"), None);
        assert_eq!(name(""), None);
        for pair in OTHERS.split_whitespace() {
            let (other, meant) = pair.split_once('=').unwrap();
            assert_eq!(name(other).map(|one| one.0), Some(meant), "{other}");
        }
    }
}
