//! Slash-separated paths, cleaned and joined as Go's `path/filepath` does on Unix.

/// The shortest path that names the same file: no `.`, no doubled slash, `..` resolved where it can be.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&"..") | None if !rooted => parts.push(".."),
                Some(_) => {
                    parts.pop();
                }
                None => {}
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// Joins two paths and cleans the result; empty ones are left out, and two empty ones give an empty path.
pub(crate) fn join(left: &str, right: &str) -> String {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => String::new(),
        (true, false) => clean(right),
        (false, true) => clean(left),
        (false, false) => clean(&format!("{left}/{right}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_and_joins_as_go_does() {
        for (left, right, expected) in [
            ("/vault/secrets", "/abs/f", "/vault/secrets/abs/f"),
            ("/foo", "../a//b", "/a/b"),
            ("/foo", "../../../a", "/a"),
            ("", "a/./b/..", "a"),
            ("a", "../..", ".."),
            ("", "", ""),
            ("", ".", "."),
            ("/", "", "/"),
            ("..", "..", "../.."),
        ] {
            assert_eq!(join(left, right), expected, "{left} + {right}");
        }
    }
}
