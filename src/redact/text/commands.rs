//! Finds passwords in short flags of programs, whose names do not show it.

use super::{SecretSpan, span};
use crate::redact::literals::Literals;

/// How a program takes a password.
enum PasswordArgument {
    /// `-p PASSWORD`
    Next(&'static str),
    /// `-pPASSWORD`
    Glued(&'static str),
    /// `-u USER:PASSWORD`
    WithUser(&'static str),
}

/// Programs, and how they take passwords.
const PROGRAMS: &[(&str, &[PasswordArgument])] = &[
    (
        "curl",
        &[
            PasswordArgument::WithUser("-u"),
            PasswordArgument::WithUser("--user"),
            PasswordArgument::WithUser("--proxy-user"),
            PasswordArgument::WithUser("-U"),
        ],
    ),
    ("mysql", &[PasswordArgument::Glued("-p")]),
    ("mysqladmin", &[PasswordArgument::Glued("-p")]),
    ("mysqldump", &[PasswordArgument::Glued("-p")]),
    ("mariadb", &[PasswordArgument::Glued("-p")]),
    (
        "sshpass",
        &[PasswordArgument::Glued("-p"), PasswordArgument::Next("-p")],
    ),
    ("redis-cli", &[PasswordArgument::Next("-a")]),
    ("mongo", &[PasswordArgument::Next("-p")]),
    ("mongosh", &[PasswordArgument::Next("-p")]),
    ("mongodump", &[PasswordArgument::Next("-p")]),
    ("mongorestore", &[PasswordArgument::Next("-p")]),
    ("ldapsearch", &[PasswordArgument::Next("-w")]),
    ("ldapmodify", &[PasswordArgument::Next("-w")]),
    ("ldapadd", &[PasswordArgument::Next("-w")]),
    ("sqlcmd", &[PasswordArgument::Next("-P")]),
    ("login", &[PasswordArgument::Next("-p")]),
    ("etcdctl", &[PasswordArgument::WithUser("--user")]),
    ("mosquitto_pub", &[PasswordArgument::Next("-P")]),
    ("mosquitto_sub", &[PasswordArgument::Next("-P")]),
    ("openssl", &[PasswordArgument::Next("-k")]),
    ("rabbitmqadmin", &[PasswordArgument::Next("-p")]),
    (
        "unzip",
        &[PasswordArgument::Next("-P"), PasswordArgument::Glued("-P")],
    ),
    ("zip", &[PasswordArgument::Next("-P")]),
    ("7z", &[PasswordArgument::Glued("-p")]),
];

/// How far after its name a program's flags are searched.
const FARTHEST: usize = 1024;

/// Finds the passwords in command lines of programs.
pub(super) fn passwords<'t>(text: &'t str, spans: &mut Vec<SecretSpan<'t>>) {
    const NAMES: [&str; PROGRAMS.len()] = {
        let mut names = [""; PROGRAMS.len()];
        let mut index = 0;
        while index < names.len() {
            names[index] = PROGRAMS[index].0;
            index += 1;
        }
        names
    };
    static FOUND: Literals = Literals::of(&NAMES, false);
    piped(text, spans);
    let bytes = text.as_bytes();
    let (mut from, mut done) = (0, 0);
    while let Some((found, program)) = FOUND.find(bytes, from, |at| NAMES.get(at).copied()) {
        from = found.end;
        let alone = found.start == 0
            || !(bytes[found.start - 1].is_ascii_alphanumeric()
                || matches!(bytes[found.start - 1], b'-' | b'_' | b'.'));
        if found.start < done || !alone || bytes.get(found.end).is_none_or(|b| *b != b' ') {
            continue;
        }
        let (_, takes) = &PROGRAMS[program];
        done = flags(text, found.end, takes, spans);
    }
}

/// Finds what a command prints into the standard input of one that reads a password there.
fn piped<'t>(text: &'t str, spans: &mut Vec<SecretSpan<'t>>) {
    const READERS: [&str; 4] = [
        "--password-stdin",
        "chpasswd",
        "passwd --stdin",
        "--with-token",
    ];
    let readers = READERS.iter().flat_map(|sign| text.match_indices(sign));
    for (at, _) in readers {
        let line = text[..at]
            .bytes()
            .rev()
            .take(FARTHEST)
            .take_while(|b| *b != b'\n')
            .count();
        let Some(line) = text.get(at - line..at) else {
            continue;
        };
        let Some(pipe) = line.rfind('|') else {
            continue;
        };
        for program in ["echo ", "printf "] {
            if let Some(said) = line[..pipe].rfind(program) {
                let start = at - line.len() + said + program.len();
                let end = at - line.len() + line[..pipe].trim_end().len();
                if start < end && !text[start..end].trim_start_matches('"').starts_with('$') {
                    spans.push(span(start..end, "password of a command"));
                }
            }
        }
    }
}

/// Checks the words of one command; returns where it ends.
fn flags<'t>(
    text: &'t str,
    from: usize,
    takes: &[PasswordArgument],
    spans: &mut Vec<SecretSpan<'t>>,
) -> usize {
    let mut before = "";
    let mut at = from;
    let mut continues = false;
    while at < text.len() && at - from < FARTHEST {
        let byte = text.as_bytes()[at];
        if byte == b'\n' && !continues || matches!(byte, b'|' | b';') {
            break;
        }
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let len = text[at..]
            .find(|c: char| c.is_whitespace() || matches!(c, '|' | ';'))
            .unwrap_or(text.len() - at);
        let word = &text[at..at + len];
        continues = word == "\\";
        let trimmed = word.trim_start_matches(['"', '\'']);
        let quote = word.len() - trimmed.len();
        let end = at
            + word
                .trim_end_matches(['"', '\'', '`', ')', ',', ']'])
                .len()
                .max(quote);
        for style in takes {
            let secret = match style {
                PasswordArgument::Next(flag) if before == *flag => at + quote..end,
                PasswordArgument::Glued(flag)
                    if word.len() > flag.len() && word.starts_with(flag) =>
                {
                    at + flag.len()..end
                }
                PasswordArgument::WithUser(flag)
                    if before == *flag
                        || word
                            .strip_prefix(flag)
                            .is_some_and(|rest| rest.starts_with('=')) =>
                {
                    match text.get(at..end).and_then(|word| word.find(':')) {
                        Some(colon) => at + colon + 1..end,
                        None => continue,
                    }
                }
                _ => continue,
            };
            if secret.start < secret.end && !text[secret.clone()].starts_with('$') {
                spans.push(span(secret, "password of a command"));
            }
        }
        before = word;
        at += len;
    }
    at
}

/// Returns which arguments of a list contain passwords, if one of them is a program that takes one.
pub(in crate::redact) fn in_arguments(items: &[&str]) -> Vec<bool> {
    let mut secret = vec![false; items.len()];
    let mut takes: &[PasswordArgument] = &[];
    for (at, item) in items.iter().enumerate() {
        let base = item.rsplit('/').next().unwrap_or(item);
        if let Some((_, known)) = PROGRAMS.iter().find(|(name, _)| *name == base) {
            takes = known;
            continue;
        }
        let before = if at > 0 { items[at - 1] } else { "" };
        secret[at] = takes.iter().any(|way| match way {
            PasswordArgument::Next(flag) => before == *flag,
            PasswordArgument::Glued(flag) => item.len() > flag.len() && item.starts_with(flag),
            PasswordArgument::WithUser(flag) => before == *flag && item.contains(':'),
        });
    }
    secret
}
