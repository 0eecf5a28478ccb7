//! URLs as Go's `net/url` takes them apart and puts them together.

use std::fmt::Write;

use pannier_go::quote;

/// A URL in its parts; the path, the fragment and the user are decoded.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) scheme: String,
    pub(crate) opaque: Vec<u8>,
    /// User and password, both encoded, with the colon if there is one.
    pub(crate) user: Option<String>,
    pub(crate) host: Vec<u8>,
    pub(crate) path: Vec<u8>,
    /// The path as it was written, where encoding it again would give something else.
    pub(crate) raw_path: Option<Vec<u8>>,
    pub(crate) query: Vec<u8>,
    pub(crate) force_query: bool,
    pub(crate) fragment: Vec<u8>,
    pub(crate) raw_fragment: Option<Vec<u8>>,
}

/// Where a text stands decides what is escaped there.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Path,
    Host,
    User,
    Fragment,
}

/// `url.Parse`; the error is Go's `parse "x": reason`.
pub(crate) fn parse(text: &[u8]) -> Result<Url, String> {
    let (body, fragment) = match text.iter().position(|b| *b == b'#') {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let fail = |whole: &[u8], reason: String| format!("parse {}: {reason}", quote::quote(whole));
    let mut url = parse_body(body).map_err(|reason| fail(body, reason))?;
    if let Some(fragment) = fragment {
        url.fragment = unescape(fragment, Place::Fragment).map_err(|reason| fail(text, reason))?;
        url.raw_fragment = (escape(&url.fragment, Place::Fragment).as_bytes() != fragment)
            .then(|| fragment.to_vec());
    }
    Ok(url)
}

fn parse_body(text: &[u8]) -> Result<Url, String> {
    if text.iter().any(|b| *b < b' ' || *b == 0x7f) {
        return Err("net/url: invalid control character in URL".into());
    }
    let mut url = Url::default();
    if text == b"*" {
        url.path = text.to_vec();
        return Ok(url);
    }
    let (scheme, mut rest) = split_scheme(text)?;
    url.scheme = scheme.to_ascii_lowercase();
    if rest.ends_with(b"?") && rest.iter().filter(|b| **b == b'?').count() == 1 {
        url.force_query = true;
        rest = &rest[..rest.len() - 1];
    } else if let Some(at) = rest.iter().position(|b| *b == b'?') {
        url.query = rest[at + 1..].to_vec();
        rest = &rest[..at];
    }
    if !rest.starts_with(b"/") {
        if !url.scheme.is_empty() {
            url.opaque = rest.to_vec();
            return Ok(url);
        }
        let segment = rest.split(|b| *b == b'/').next().unwrap_or_default();
        if segment.contains(&b':') {
            return Err("first path segment in URL cannot contain colon".into());
        }
    }
    let has_authority =
        rest.starts_with(b"//") && (!url.scheme.is_empty() || !rest.starts_with(b"///"));
    if has_authority {
        let authority = &rest[2..];
        let end = authority
            .iter()
            .position(|b| *b == b'/')
            .unwrap_or(authority.len());
        rest = &authority[end..];
        parse_authority(&mut url, &authority[..end])?;
    }
    url.path = unescape(rest, Place::Path)?;
    url.raw_path = (escape(&url.path, Place::Path).as_bytes() != rest).then(|| rest.to_vec());
    Ok(url)
}

fn split_scheme(text: &[u8]) -> Result<(String, &[u8]), String> {
    for (i, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if i > 0 => {}
            b':' if i == 0 => return Err("missing protocol scheme".into()),
            b':' => {
                return Ok((
                    String::from_utf8_lossy(&text[..i]).into_owned(),
                    &text[i + 1..],
                ));
            }
            _ => break,
        }
    }
    Ok((String::new(), text))
}

fn parse_authority(url: &mut Url, authority: &[u8]) -> Result<(), String> {
    let (user, host) = match authority.iter().rposition(|b| *b == b'@') {
        Some(at) => (Some(&authority[..at]), &authority[at + 1..]),
        None => (None, authority),
    };
    url.host = parse_host(host)?;
    let Some(user) = user else { return Ok(()) };
    let valid = |b: &u8| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(b);
    if !user.iter().all(valid) {
        return Err("net/url: invalid userinfo".into());
    }
    let mut parts = user.splitn(2, |b| *b == b':');
    let name = unescape(parts.next().unwrap_or_default(), Place::User)?;
    let mut encoded = escape(&name, Place::User);
    if let Some(password) = parts.next() {
        encoded.push(':');
        encoded.push_str(&escape(&unescape(password, Place::User)?, Place::User));
    }
    url.user = Some(encoded);
    Ok(())
}

fn parse_host(host: &[u8]) -> Result<Vec<u8>, String> {
    let port_ok = |port: &[u8]| {
        port.is_empty()
            || port
                .strip_prefix(b":")
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
    };
    let bad_port = |port: &[u8]| Err(format!("invalid port {} after host", quote::quote(port)));
    if host.starts_with(b"[") {
        let Some(end) = host.iter().rposition(|b| *b == b']') else {
            return Err("missing ']' in host".into());
        };
        let port = &host[end + 1..];
        if !port_ok(port) {
            return bad_port(port);
        }
        return unescape(host, Place::Host);
    }
    if let Some(at) = host.iter().rposition(|b| *b == b':')
        && !port_ok(&host[at..])
    {
        return bad_port(&host[at..]);
    }
    unescape(host, Place::Host)
}

/// Whether a byte is written as `%XX` there.
fn should_escape(byte: u8, place: Place) -> bool {
    if byte.is_ascii_alphanumeric() {
        return false;
    }
    match byte {
        b'-' | b'_' | b'.' | b'~' => false,
        b'!' | b'\'' | b'(' | b')' | b'*' if matches!(place, Place::Host | Place::Fragment) => {
            false
        }
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match place {
            Place::Path => byte == b'?',
            Place::User => matches!(byte, b'@' | b'/' | b'?' | b':'),
            Place::Host => !matches!(byte, b'$' | b'&' | b'+' | b',' | b':' | b';' | b'='),
            Place::Fragment => false,
        },
        b'[' | b']' | b'<' | b'>' | b'"' => place != Place::Host,
        _ => true,
    }
}

fn escape(text: &[u8], place: Place) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in text {
        if should_escape(byte, place) {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        } else {
            out.push(char::from(byte));
        }
    }
    out
}

fn unescape(text: &[u8], place: Place) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            if place == Place::Host && byte < 0x80 && should_escape(byte, place) {
                let shown = quote::quote([byte]);
                return Err(format!("invalid character {shown} in host name"));
            }
            out.push(byte);
            continue;
        }
        let value = after.get(..2).and_then(|digits| {
            let digit = |d: u8| char::from(d).to_digit(16);
            u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()
        });
        let shown = &text[text.len() - after.len() - 1..];
        let shown = &shown[..shown.len().min(3)];
        let invalid = || Err(format!("invalid URL escape {}", quote::quote(shown)));
        let Some(value) = value else { return invalid() };
        // A host takes escapes for what lies beyond ASCII, and for a per cent sign before a zone.
        if place == Place::Host && value < 0x80 && shown != b"%25" {
            return invalid();
        }
        out.push(value);
        rest = &after[2..];
    }
    Ok(out)
}

/// Whether a text is a proper spelling of a path or fragment as it stands.
fn valid_encoded(text: &[u8], place: Place) -> bool {
    text.iter().all(|b| match b {
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':'
        | b'@' => true,
        b'[' | b']' | b'%' => true,
        byte => !should_escape(*byte, place),
    })
}

impl Url {
    /// The path as it is written.
    fn escaped_path(&self) -> Vec<u8> {
        if let Some(raw) = &self.raw_path
            && valid_encoded(raw, Place::Path)
            && unescape(raw, Place::Path).as_ref() == Ok(&self.path)
        {
            return raw.clone();
        }
        if self.path == b"*" {
            return self.path.clone();
        }
        escape(&self.path, Place::Path).into_bytes()
    }

    /// The host without its port and without brackets.
    pub(crate) fn hostname(&self) -> &[u8] {
        let host = &self.host[..];
        if let Some(inner) = host.strip_prefix(b"[") {
            let end = inner.iter().position(|b| *b == b']').unwrap_or(inner.len());
            return &inner[..end];
        }
        match host.iter().rposition(|b| *b == b':') {
            Some(at) if host[at + 1..].iter().all(u8::is_ascii_digit) => &host[..at],
            _ => host,
        }
    }

    /// `URL.String`.
    pub(crate) fn text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(self.scheme.as_bytes());
            out.push(b':');
        }
        if self.opaque.is_empty() {
            if !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some() {
                if !self.host.is_empty() || !self.path.is_empty() || self.user.is_some() {
                    out.extend_from_slice(b"//");
                }
                if let Some(user) = &self.user {
                    out.extend_from_slice(user.as_bytes());
                    out.push(b'@');
                }
                out.extend_from_slice(escape(&self.host, Place::Host).as_bytes());
            }
            let path = self.escaped_path();
            if !path.is_empty() && !path.starts_with(b"/") && !self.host.is_empty() {
                out.push(b'/');
            }
            if out.is_empty() {
                let segment = path.split(|b| *b == b'/').next().unwrap_or_default();
                if segment.contains(&b':') {
                    out.extend_from_slice(b"./");
                }
            }
            out.extend_from_slice(&path);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if self.force_query || !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            match &self.raw_fragment {
                Some(raw) if valid_encoded(raw, Place::Fragment) => out.extend_from_slice(raw),
                _ => out.extend_from_slice(escape(&self.fragment, Place::Fragment).as_bytes()),
            }
        }
        out
    }
}
