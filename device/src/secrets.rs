//! Passwords in addresses, which must not reach a log or a report.

/// `text` with `…` in place of the name and password of each address, such as `rtsp://name:password@door`.
///
/// ```
/// use device::secrets::without;
///
/// assert_eq!(without("-i rtsp://me:pass@door/1 x@y"), "-i rtsp://…@door/1 x@y");
/// ```
pub fn without(text: &str) -> String {
    let mut parts = text.split("://");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        clean.push_str("://");
        let end = part.find(|c: char| c.is_whitespace() || "/'\"\\".contains(c));
        let authority = &part[..end.unwrap_or(part.len())];
        match authority.rfind('@') {
            Some(at) => clean.extend(["…", &part[at..]]),
            None => clean.push_str(part),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_before_an_address_is_left_out() {
        for (text, expected) in [
            ("", ""),
            ("no address, a@b", "no address, a@b"),
            ("http://door/a@b", "http://door/a@b"),
            ("'rtsp://u:p@ss@h' and \"x://v@w\"", "'rtsp://…@h' and \"x://…@w\""),
            ("://", "://"),
        ] {
            assert_eq!(without(text), expected);
        }
    }
}
