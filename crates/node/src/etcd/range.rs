//! Key ranges.

/// The first key after every key that begins with `prefix`; `None` when there is none.
pub(super) fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte < 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::prefix_end;

    fn covers(prefix: &[u8], key: &[u8]) -> bool {
        let end = prefix_end(prefix).unwrap();
        key >= prefix && key < end.as_slice()
    }

    #[test]
    fn a_cluster_s_keys_and_no_others() {
        assert_eq!(prefix_end(b"/pg/pg-test/").unwrap(), b"/pg/pg-test0");
        assert!(covers(b"/pg/pg-test/", b"/pg/pg-test/members/pg-test-1"));
        assert!(covers(b"/pg/pg-test/", "/pg/pg-test/\u{10ffff}".as_bytes()));
        for other in [
            b"/pg/pg-test2/leader".as_slice(),
            b"/pg/pg-test",
            b"/pg/pg-test-2/leader",
            b"/pg/pg-tes/leader",
        ] {
            assert!(!covers(b"/pg/pg-test/", other));
        }
    }

    #[test]
    fn bytes_that_cannot_grow_are_left_out() {
        assert_eq!(prefix_end(&[1, 0xff, 0xff]).unwrap(), [2]);
        assert_eq!(prefix_end(&[0xff]), None);
    }
}
