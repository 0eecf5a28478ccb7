//! Reads a shell line of the few forms that the injector writes. Pure: variables come in through a function.

use std::iter::Peekable;
use std::str::Chars;

/// One command of a line.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    /// `echo ${NAME?} | base64 -d > FILE`: the decoded text goes to the file.
    Decode { text: String, file: String },
    /// `touch FILE...`
    Touch(Vec<String>),
    /// `sleep SECONDS`
    Sleep(u64),
    /// `test -f FILE`
    Exists(String),
    /// `vault ARGUMENT...`, always the last command of a line.
    Vault(Vec<String>),
}

/// Why a line is not run.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    /// A variable that the line needs is not set, or is empty: its name.
    Unset(String),
    /// A real shell might run it, this is none: what is beyond us.
    Beyond(String),
}

/// Words and the operators between them.
#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    And,
    Pipe,
    Into,
}

/// The commands of `line`, in order, if all of them are of the known forms.
pub(crate) fn parse(
    line: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Command>, Refusal> {
    let tokens = tokens(line, variable)?;
    let groups: Vec<&[Token]> = tokens.split(|token| *token == Token::And).collect();
    let count = groups.len();
    groups
        .into_iter()
        .enumerate()
        .map(|(index, group)| command(group, index + 1 == count))
        .collect()
}

fn command(tokens: &[Token], last: bool) -> Result<Command, Refusal> {
    if let [
        Token::Word(echo),
        Token::Word(text),
        Token::Pipe,
        Token::Word(base64),
        Token::Word(flag),
        Token::Into,
        Token::Word(file),
    ] = tokens
        && name(echo) == "echo"
        && name(base64) == "base64"
        && (flag == "-d" || flag == "--decode")
    {
        return Ok(Command::Decode {
            text: text.clone(),
            file: file.clone(),
        });
    }
    let mut words = Vec::with_capacity(tokens.len());
    for token in tokens {
        match token {
            Token::Word(word) => words.push(word.clone()),
            Token::Pipe => {
                return Err(Refusal::Beyond(
                    "a pipe other than `echo ${VAULT_CONFIG?} | base64 -d > FILE`".to_owned(),
                ));
            }
            Token::Into => {
                return Err(Refusal::Beyond(
                    "a redirection other than `echo ${VAULT_CONFIG?} | base64 -d > FILE`"
                        .to_owned(),
                ));
            }
            Token::And => {}
        }
    }
    let Some((program, arguments)) = words.split_first() else {
        return Err(Refusal::Beyond("an empty command".to_owned()));
    };
    match (name(program), arguments) {
        ("touch", [_, ..]) if arguments.iter().all(|file| !file.starts_with('-')) => {
            Ok(Command::Touch(arguments.to_vec()))
        }
        ("sleep", [seconds]) => match seconds.parse() {
            Ok(seconds) => Ok(Command::Sleep(seconds)),
            Err(_) => Err(Refusal::Beyond(format!(
                "`sleep {seconds}`: only whole seconds"
            ))),
        },
        ("test", [flag, file]) if flag == "-f" => Ok(Command::Exists(file.clone())),
        ("vault", _) if last => Ok(Command::Vault(arguments.to_vec())),
        ("vault", _) => Err(Refusal::Beyond("a command after `vault`".to_owned())),
        _ => Err(Refusal::Beyond(format!("the command `{program}`"))),
    }
}

/// `/bin/sleep` is `sleep`.
fn name(program: &str) -> &str {
    program.rsplit_once('/').map_or(program, |(_, name)| name)
}

fn tokens(line: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Token>, Refusal> {
    let mut found = Vec::new();
    let mut rest = line.chars().peekable();
    while let Some(&next) = rest.peek() {
        match next {
            ' ' | '\t' => {
                rest.next();
            }
            '&' => {
                rest.next();
                if rest.next() != Some('&') {
                    return Err(Refusal::Beyond("`&`".to_owned()));
                }
                found.push(Token::And);
            }
            '|' => {
                rest.next();
                found.push(Token::Pipe);
            }
            '>' => {
                rest.next();
                found.push(Token::Into);
            }
            _ => found.push(Token::Word(word(&mut rest, variable)?)),
        }
    }
    Ok(found)
}

/// One word, its quotes removed and its variables put in. A variable's value is taken as it is, as if quoted.
fn word(
    rest: &mut Peekable<Chars<'_>>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Refusal> {
    let mut text = String::new();
    let mut quote = None;
    while let Some(&next) = rest.peek() {
        match (quote, next) {
            (None, ' ' | '\t' | '&' | '|' | '>') => break,
            (None, '\'' | '"') => quote = Some(next),
            (Some(open), _) if next == open => quote = None,
            (Some('\''), _) => text.push(next),
            (_, '$') => {
                rest.next();
                text.push_str(&value(rest, variable)?);
                continue;
            }
            (_, '`' | '\\') | (None, ';' | '<' | '(' | ')' | '{' | '}' | '*' | '\n' | '\r') => {
                return Err(Refusal::Beyond(format!("`{}`", next.escape_default())));
            }
            (None, '~' | '#' | '!') if text.is_empty() => {
                return Err(Refusal::Beyond(format!("`{}`", next.escape_default())));
            }
            _ => text.push(next),
        }
        rest.next();
    }
    if quote.is_some() {
        Err(Refusal::Beyond("a quote that does not end".to_owned()))
    } else {
        Ok(text)
    }
}

/// The value of `$NAME`, `${NAME}`, `${NAME?}` or `${NAME:?}`; the dollar sign is read already.
fn value(
    rest: &mut Peekable<Chars<'_>>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Refusal> {
    let braces = rest.next_if_eq(&'{').is_some();
    let mut name = String::new();
    while let Some(letter) = rest.next_if(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
    {
        name.push(letter);
    }
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(Refusal::Beyond(
            "`$` with something other than the name of a variable".to_owned(),
        ));
    }
    let colon = braces && rest.next_if_eq(&':').is_some();
    let required = braces && rest.next_if_eq(&'?').is_some();
    if colon && !required || braces && rest.next() != Some('}') {
        return Err(Refusal::Beyond(format!("this form of `${{{name}}}`")));
    }
    let found = variable(&name);
    // A real shell lets an empty variable pass `${NAME?}`; the only one asked for so is the configuration, which is never empty.
    if required && found.as_deref().unwrap_or_default().is_empty() {
        return Err(Refusal::Unset(name));
    }
    Ok(found.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        match name {
            "VAULT_CONFIG" => Some("e30=".to_owned()),
            "HOST_IP" => Some("10.0.0.7".to_owned()),
            "SPACED" => Some("a b; c".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn reads_every_line_that_the_injector_writes() {
        let decode = || Command::Decode {
            text: "e30=".to_owned(),
            file: "/home/vault/config.json".to_owned(),
        };
        let revoke = "/bin/sleep 5 && /bin/vault token revoke -address=http://vault.vault.svc:8200 -ca-cert=/vault/tls/ca -client-cert=/c -client-key=/k -self";
        let table = [
            (
                "test -f /vault/secrets/a && test -f '/vault/secrets/with blank.txt'",
                vec![
                    Command::Exists("/vault/secrets/a".to_owned()),
                    Command::Exists("/vault/secrets/with blank.txt".to_owned()),
                ],
            ),
            (
                "echo ${VAULT_CONFIG?} | base64 -d > /home/vault/config.json && vault agent -config=/home/vault/config.json",
                vec![
                    decode(),
                    Command::Vault(texts(&["agent", "-config=/home/vault/config.json"])),
                ],
            ),
            (
                "touch /home/vault/.vault-token && vault agent -config=/vault/configs/config-init.hcl",
                vec![
                    Command::Touch(texts(&["/home/vault/.vault-token"])),
                    Command::Vault(texts(&["agent", "-config=/vault/configs/config-init.hcl"])),
                ],
            ),
            (
                revoke,
                vec![
                    Command::Sleep(5),
                    Command::Vault(texts(&[
                        "token",
                        "revoke",
                        "-address=http://vault.vault.svc:8200",
                        "-ca-cert=/vault/tls/ca",
                        "-client-cert=/c",
                        "-client-key=/k",
                        "-self",
                    ])),
                ],
            ),
        ];
        for (line, expected) in table {
            assert_eq!(parse(line, &environment), Ok(expected), "{line}");
        }
    }

    #[test]
    fn puts_variables_in_without_splitting_them() {
        let table = [
            (
                "vault -address=http://$HOST_IP:8200",
                vec!["-address=http://10.0.0.7:8200"],
            ),
            (
                "vault -address=http://${HOST_IP}:8200 ''",
                vec!["-address=http://10.0.0.7:8200", ""],
            ),
            (
                "vault \"$SPACED\" '$SPACED' $SPACED",
                vec!["a b; c", "$SPACED", "a b; c"],
            ),
            // A pattern that matches no file stays what it is, and an address never matches one.
            (
                "vault -address=http://[::1]:8200 a~b#c",
                vec!["-address=http://[::1]:8200", "a~b#c"],
            ),
            ("vault \"a && b\" a'|'b $NOWHERE", vec!["a && b", "a|b", ""]),
        ];
        for (line, expected) in table {
            assert_eq!(
                parse(line, &environment),
                Ok(vec![Command::Vault(texts(&expected))]),
                "{line}"
            );
        }
    }

    #[test]
    fn names_the_variable_that_is_missing() {
        for line in [
            "echo ${NOWHERE?} | base64 -d > /f",
            "echo ${EMPTY?} | base64 -d > /f",
            "echo ${EMPTY:?} | base64 -d > /f",
        ] {
            assert!(
                matches!(parse(line, &environment), Err(Refusal::Unset(_))),
                "{line}"
            );
        }
    }

    #[test]
    fn refuses_whatever_a_real_shell_would_do_more_with() {
        let lines = [
            "",
            "   ",
            "kill -HUP 1",
            "vault agent ; id",
            "vault agent & id",
            "vault agent && id",
            "vault agent | cat",
            "vault agent > /tmp/log",
            "vault agent 2>&1",
            "echo $(id) | base64 -d > /f",
            "echo `id` | base64 -d > /f",
            "echo hello",
            "echo a b | base64 -d > /f",
            "echo ${VAULT_CONFIG?} | base64 > /f",
            "echo ${VAULT_CONFIG:-x} | base64 -d > /f",
            "echo ${VAULT_CONFIG?} | base64 -d >> /f",
            "echo ${VAULT_CONFIG?} | base64 -d > /f /g",
            "touch",
            "touch -d yesterday /f",
            "sleep",
            "sleep 1.5",
            "sleep -1",
            "sleep 1 2",
            "vault agent *",
            "vault 'agent",
            "vault agent\nid",
            "vault $1",
            "vault $",
            "vault ~/x",
            "vault #x",
            "&& vault agent",
            "vault agent &&",
        ];
        for line in lines {
            assert!(
                matches!(parse(line, &environment), Err(Refusal::Beyond(_))),
                "{line:?}: {:?}",
                parse(line, &environment)
            );
        }
    }
}
