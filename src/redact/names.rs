//! Decides which names mark a value as secret.

use super::literals::Literals;

/// Parts of a name, reduced to lower-case letters and digits, that make it sensitive anywhere:
/// `MYSQLPASSWORD`, `db.password`, `githubToken`.
const PARTS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "secret",
    "token",
    "credential",
    "apikey",
    "appkey",
    "privatekey",
    "presharedkey",
    "clientkeydata",
    "accesskey",
    "accountkey",
    "authkey",
    "encryptionkey",
    "hmackey",
    "licensekey",
    "masterkey",
    "sharedkey",
    "signingkey",
    "sshkey",
    "unsealkey",
    "connectionstring",
    "requirepass",
    "masterauth",
];

/// Words that make a name sensitive only as whole words: `DB_PASS`, but not `compass`.
const WORDS: &[&str] = &["pass", "psk", "pw", "pwd", "pswd", "rootpw", "creds", "dsn"];

/// Ends of words that make a name sensitive: `MYSQLPASS`, `bindpwd`.
const ENDS: &[&str] = &["pass", "pwd", "pw"];

/// Words that contain a sensitive one by chance, or are about the thing and not its value.
const HARMLESS: &[&str] = &[
    "bypass",
    "compass",
    "encompass",
    "overpass",
    "surpass",
    "trespass",
    "underpass",
    "passwordless",
    "secretary",
    "secretless",
    "tokenization",
    "tokenize",
    "tokenized",
    "tokenizer",
    "tokenizers",
    "tokenreview",
    "tokenreviews",
];

/// Names that sound like credentials but are not: the shell's working directories, and nginx's
/// upstream settings.
const OTHERS: &[&str] = &[
    "PWD",
    "OLDPWD",
    "fastcgi_pass",
    "grpc_pass",
    "memcached_pass",
    "proxy_pass",
    "scgi_pass",
    "uwsgi_pass",
];

/// HTTP headers (and similar settings in files) that contain credentials.
const HEADERS: &[&str] = &[
    "authorization",
    "proxyauthorization",
    "cookie",
    "setcookie",
    "auth",
    "basicauth",
];

/// Last words of names that are *about* a secret, such as its location or its lifetime.
const ABOUT: &[&str] = &[
    "after",
    "age",
    "algorithm",
    "annotations",
    "attempts",
    "audience",
    "audiences",
    "authentication",
    "before",
    "bucket",
    "class",
    "complexity",
    "cost",
    "count",
    "day",
    "days",
    "depth",
    "description",
    "dir",
    "directory",
    "disabled",
    "duration",
    "enabled",
    "endpoint",
    "expiration",
    "expires",
    "expiry",
    "field",
    "file",
    "filename",
    "format",
    "header",
    "hint",
    "history",
    "host",
    "hour",
    "hours",
    "in",
    "interval",
    "issuer",
    "iterations",
    "kind",
    "label",
    "labels",
    "lease",
    "len",
    "length",
    "lifespan",
    "lifetime",
    "limit",
    "limits",
    "max",
    "maximum",
    "message",
    "method",
    "methods",
    "millis",
    "min",
    "minimum",
    "minute",
    "minutes",
    "mode",
    "mount",
    "ms",
    "name",
    "names",
    "namespace",
    "optional",
    "path",
    "period",
    "placeholder",
    "policy",
    "port",
    "prefix",
    "prompt",
    "provider",
    "rate",
    "ref",
    "reference",
    "refresh",
    "refs",
    "required",
    "retries",
    "rotation",
    "rounds",
    "scope",
    "scopes",
    "sec",
    "seconds",
    "secs",
    "selector",
    "size",
    "source",
    "store",
    "stores",
    "strength",
    "suffix",
    "template",
    "threshold",
    "timeout",
    "title",
    "ttl",
    "type",
    "until",
    "uri",
    "url",
    "validity",
    "version",
    "volume",
    "window",
];

/// First words of names that are counts or switches: `MAX_TOKENS`, `enableTokenReview`.
const SETTINGS: &[&str] = &[
    "max",
    "maximum",
    "min",
    "minimum",
    "num",
    "total",
    "enable",
    "disable",
    "automount",
];

/// Words that make a name a limit anywhere: `password.min.special`.
const LIMITS: &[&str] = &["max", "maximum", "min", "minimum", "per"];

/// Longer names are checked from their end.
const LONGEST: usize = 320;

/// The meaning of a name for its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct NameClass {
    /// Whether the value is secret.
    pub(super) sensitive: bool,
    /// Whether the value is the secret itself: `token` and `admin-password`, but not
    /// `token-service`.
    pub(super) value: bool,
    /// Whether the name is a password, a word that prose rarely follows with anything but its
    /// value.
    pub(super) password: bool,
    /// Whether the name is a header (or a setting in a file) that contains credentials.
    pub(super) header: bool,
    /// Whether the value may be a count: `tokens: 4096`.
    pub(super) count: bool,
}

impl NameClass {
    /// Checks a name.
    pub(super) fn of(name: &str) -> Self {
        let words = NameWords::of(name);
        let (squeezed, last) = (words.squeezed(), words.last());
        let sensitive = !OTHERS.contains(&name)
            && words.is_sensitive()
            && !ABOUT.contains(&last)
            && !SETTINGS.contains(&words.first())
            && !words.iter().any(|word| LIMITS.contains(&word));
        let ends = |text: &str| PARTS.iter().any(|part| text.ends_with(part));
        let short = || WORDS.contains(&last) || ENDS.iter().any(|end| last.ends_with(end));
        let value = sensitive
            && (short() || ends(squeezed) || squeezed.strip_suffix('s').is_some_and(ends));
        let passwords = ["passw", "passphrase", "passcode"];
        let password = value
            && (passwords.iter().any(|part| last.contains(part))
                || ENDS.iter().any(|end| last.ends_with(end)));
        Self {
            sensitive,
            value,
            password,
            header: HEADERS.contains(&squeezed),
            count: last == "tokens",
        }
    }
}

/// Returns whether a name marks its value as secret.
///
/// ```
/// use driftctl::redact::is_sensitive_name;
/// assert!(is_sensitive_name("DB_PASSWORD"));
/// assert!(is_sensitive_name("apiKey"));
/// assert!(!is_sensitive_name("DB_PASSWORD_FILE"));
/// assert!(!is_sensitive_name("secretName"));
/// assert!(!is_sensitive_name("MAX_TOKENS"));
/// ```
pub fn is_sensitive_name(name: &str) -> bool {
    NameClass::of(name).sensitive
}

/// Returns whether a field *below* something sensitive is about it rather than being it, such as
/// the `name` of `imagePullSecrets[]`.
pub(super) fn is_about(name: &str) -> bool {
    ABOUT.contains(&NameWords::of(name).last())
        || matches!(name, "apiVersion" | "apiGroup" | "group")
}

/// Returns whether a field contains a reference to an object instead of a value.
pub(super) fn is_reference(name: &str) -> bool {
    matches!(
        NameWords::of(name).last(),
        "ref" | "refs" | "reference" | "selector"
    )
}

/// Returns whether a name is the first word of a function that returns a secret and takes none.
pub(super) fn is_getter(name: &str) -> bool {
    matches!(
        NameWords::of(name).first(),
        "get" | "read" | "load" | "fetch" | "lookup" | "find" | "require" | "use" | "from" | "has"
    )
}

/// A name reduced to lower-case letters and digits, and where its words begin: those of
/// `snake_case`, `kebab-case`, `dotted.names` and `camelCase`. Allocates nothing: every name in a
/// text of a megabyte is checked.
struct NameWords {
    letters: [u8; LONGEST],
    len: usize,
    /// Bit *i* says that a word begins at letter *i*.
    starts: [u64; LONGEST / 64],
}

impl NameWords {
    fn of(name: &str) -> Self {
        let mut words = Self {
            letters: [0; LONGEST],
            len: 0,
            starts: [0; LONGEST / 64],
        };
        let bytes = name.as_bytes();
        let (mut fresh, mut after_lower) = (true, false);
        for byte in &bytes[bytes.len().saturating_sub(LONGEST)..] {
            fresh |= !byte.is_ascii_alphanumeric() || (after_lower && byte.is_ascii_uppercase());
            if byte.is_ascii_alphanumeric() {
                if fresh {
                    words.starts[words.len / 64] |= 1 << (words.len % 64);
                    fresh = false;
                }
                words.letters[words.len] = byte.to_ascii_lowercase();
                words.len += 1;
            }
            after_lower = byte.is_ascii_lowercase() || byte.is_ascii_digit();
        }
        words
    }

    fn squeezed(&self) -> &str {
        self.text(0, self.len)
    }

    fn text(&self, from: usize, to: usize) -> &str {
        std::str::from_utf8(&self.letters[from..to]).unwrap_or_default()
    }

    fn begins(&self, at: usize) -> bool {
        self.starts[at / 64] & (1 << (at % 64)) != 0
    }

    /// Returns the word that contains a letter.
    fn around(&self, at: usize) -> &str {
        let from = (0..=at).rev().find(|at| self.begins(*at)).unwrap_or(0);
        let to = (at + 1..self.len).find(|at| self.begins(*at));
        self.text(from, to.unwrap_or(self.len))
    }

    fn first(&self) -> &str {
        self.around(0)
    }

    fn last(&self) -> &str {
        self.around(self.len.saturating_sub(1))
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len)
            .filter(|at| self.begins(*at))
            .map(|at| self.around(at))
    }

    /// Returns whether it has a part or a word that makes it sensitive.
    fn is_sensitive(&self) -> bool {
        static FOUND: Literals = Literals::of(PARTS, false);
        let squeezed = self.squeezed();
        let is_harmless = |word: &str| HARMLESS.contains(&word);
        let (mut from, mut by_part) = (0, false);
        while let Some((found, _)) =
            FOUND.find(squeezed.as_bytes(), from, |part| PARTS.get(part).copied())
        {
            from = found.end;
            by_part |= !is_harmless(self.around(found.start));
        }
        // Every such word has a pair of letters that few names have.
        let is_telling = |pair: &[u8]| matches!(pair, b"pa" | b"pw" | b"ps" | b"cr" | b"ds");
        by_part
            || squeezed.as_bytes().windows(2).any(is_telling)
                && self.iter().any(|word| {
                    WORDS.contains(&word)
                        || (ENDS.iter().any(|end| word.ends_with(end)) && !is_harmless(word))
                })
    }
}

/// Returns every word that makes a name sensitive.
#[cfg(test)]
pub(super) fn sensitive_words() -> impl Iterator<Item = &'static str> {
    PARTS
        .iter()
        .chain(WORDS)
        .chain(ENDS)
        .chain(HEADERS)
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_sensitive_names() {
        for name in [
            "PASSWORD",
            "MYSQLPASSWORD",
            "db.password",
            "spring.datasource.password",
            "GITHUB_TOKEN",
            "githubToken",
            "api-key",
            "API_KEY",
            "x-api-key",
            "PRIVATE_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "clientSecret",
            "GOOGLE_CREDENTIALS",
            "DB_PASS",
            "SENTRY_DSN",
            "client-key-data",
            "MYSQLPASS",
            "LDAP_BIND_PW",
            "WIFI_PSK",
            "licenseKey",
            "preSharedKey",
            "tokenizer.token",
        ] {
            assert!(is_sensitive_name(name), "{name}");
        }
    }

    #[test]
    fn ignores_names_that_are_only_about_a_secret() {
        for name in [
            "image",
            "compass",
            "PWD",
            "PASSWORD_FILE",
            "secretName",
            "imagePullSecretName",
            "secretKeyRef",
            "tokenExpirationSeconds",
            "TOKEN_URL",
            "maxTokens",
            "publicKey",
            "monkey",
            "tokenizer",
            "bypass",
            "proxy_pass",
            "password.min.special",
            "minimum-password-length",
            "token.validity.days",
            "secretTemplate",
        ] {
            assert!(!is_sensitive_name(name), "{name}");
        }
    }
}
