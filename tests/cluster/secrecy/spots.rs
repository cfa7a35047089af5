//! Places where a secret can be, and errors through which it could leak.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::world::{Side, World};
use crate::server::Fault;

/// Puts a secret somewhere. `dice` selects a variant of the spot.
pub type Spot = fn(&mut World, &str, usize);

fn object(api_version: &str, kind: &str, name: &str, fields: Value) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind,
        "metadata": {"name": name, "namespace": "shop"}});
    for (field, value) in fields.as_object().unwrap() {
        object[field] = value.clone();
    }
    object
}

fn license(name: &str, spec: Value) -> Value {
    object("example.com/v1", "License", name, json!({"spec": spec}))
}

fn secret(name: &str, fields: Value) -> Value {
    object("v1", "Secret", name, fields)
}

/// Puts the secret on either side, on both, or on the only side.
fn sides(world: &mut World, dice: usize, with: Value, without: Value) {
    match dice % 5 {
        0 => world.both(with, without),
        1 => world.both(without, with),
        2 => world.both(with.clone(), with),
        3 => world.declared.push(with),
        _ => {
            // The namespace has a declared object, so that extra objects are searched there.
            let other = object("v1", "ConfigMap", "other", json!({"data": {"a": "b"}}));
            world.both(other.clone(), other);
            world.live.push(with);
        }
    }
}

/// Values that only the user's `sensitive` rules mark as secret.
pub const NAMED_BY_RULES: &[Spot] = &[
    |world, s, dice| {
        world.sensitive.push(
            json!({"group": "example.com", "kind": "License", "paths": [".spec.text", ".spec.list[*]"]}),
        );
        let with = license("text", json!({"text": s, "list": [s, "b"], "plan": "pro"}));
        let without = license(
            "text",
            json!({"text": "free", "list": ["b"], "plan": "free"}),
        );
        sides(world, dice, with, without);
    },
    |world, s, dice| {
        world
            .sensitive
            .push(json!({"kind": "License", "group": "*.com", "paths": [".spec.map"]}));
        let with = license("map", json!({"map": {"a": {"b": [s]}, "c": s}}));
        sides(world, dice, with, license("map", json!({"map": {"a": {}}})));
    },
    |world, s, dice| {
        world.sensitive.push(json!({"names": ["*merchant*"]}));
        let data = json!({"data": {"MERCHANT_ID": s, "a": "b"}});
        let with = object("v1", "ConfigMap", "merchants", data);
        let without = object("v1", "ConfigMap", "merchants", json!({"data": {"a": "c"}}));
        sides(world, dice, with, without);
    },
    |world, s, dice| {
        world.sensitive.push(json!({"names": ["merchant"]}));
        let pod = |env: Value| {
            let containers = json!([{"name": "app", "image": "app:1", "env": env}]);
            let template = json!({"metadata": {"labels": {"a": "b"}},
                "spec": {"containers": containers}});
            let spec = json!({"selector": {"matchLabels": {"a": "b"}}, "template": template});
            object("apps/v1", "Deployment", "cart", json!({"spec": spec}))
        };
        let with = pod(json!([{"name": "MERCHANT", "value": s}]));
        sides(world, dice, with, pod(json!([{"name": "A", "value": "b"}])));
    },
    |world, s, dice| {
        world.sensitive.push(
            json!({"namespace": "shop", "name": "note?", "kind": "*", "group": "*",
                "names": ["example.com/*"]}),
        );
        let config = |annotations: Value| {
            let mut config = object("v1", "ConfigMap", "notes", json!({"data": {"a": "b"}}));
            config["metadata"]["annotations"] = annotations;
            config
        };
        let with = config(json!({"example.com/note": s}));
        sides(world, dice, with, config(json!({"example.com/note": "n"})));
    },
    |world, s, dice| {
        world
            .sensitive
            .push(json!({"kind": "ConfigMap", "paths": [".data[\"*.lic\"]"]}));
        let text = |inner: &str| {
            object(
                "v1",
                "ConfigMap",
                "files",
                json!({"data": {"a.lic": format!("a\n{inner}\nb\n")}}),
            )
        };
        sides(world, dice, text(s), text("none"));
    },
];

/// Secrets, valid and malformed.
pub const SECRETS: &[Spot] = &[
    |world, s, dice| {
        let with = secret(
            "cart",
            json!({"data": {"password": STANDARD.encode(s), "n": "YQ=="}}),
        );
        sides(
            world,
            dice,
            with,
            secret("cart", json!({"data": {"password": "b3RoZXI="}})),
        );
    },
    |world, s, dice| {
        let with = secret("note", json!({"stringData": {"note": s}}));
        sides(
            world,
            dice,
            with,
            secret("note", json!({"data": {"note": "YQ=="}})),
        );
    },
    |world, s, dice| {
        let malformed = [
            json!({"data": s}),
            json!({"data": [s]}),
            json!({"data": {"a": s}}),
            json!({"stringData": {"a": 7, "b": s}}),
            json!({"stringdata": {"a": s}}),
            json!({"immutable": s}),
            json!({"type": {"a": s}}),
            json!({"data": {"a": {s: 1}}}),
        ];
        let with = secret("odd", malformed[dice / 5 % malformed.len()].clone());
        sides(
            world,
            dice,
            with,
            secret("odd", json!({"data": {"a": "YQ=="}})),
        );
    },
    // A manifest within another object.
    |world, s, dice| {
        let inner = serde_yaml::to_string(&secret("inner", json!({"stringData": {"pin": s}})));
        let config = |text: &str| {
            object(
                "v1",
                "ConfigMap",
                "files",
                json!({"data": {"a.yaml": text}}),
            )
        };
        sides(world, dice, config(&inner.unwrap()), config("kind: x"));
    },
];

const DAMAGE: &[&str] = &[
    ": [", " \"", "\t- {", "\n   :x", " *a", " !!int", "\n---\n", "'", "\u{1}", "}", "\n- ",
    " &b ", ": ", " #", "\n\n", "\\x", "%", "@",
];

/// Returns a Secret's text, broken at some position after its kind.
fn broken(text: &str, dice: usize) -> Vec<u8> {
    let kind = text.find("Secret").unwrap() + "Secret".len();
    let at = kind + dice % (text.len() - kind);
    let damage = DAMAGE[dice / 7 % DAMAGE.len()];
    match dice % 4 {
        0 => text.as_bytes()[..at].to_vec(),
        1 => [text.as_bytes(), damage.as_bytes()].concat(),
        2 => [&text.as_bytes()[..at], b"\xff\xfe", &text.as_bytes()[at..]].concat(),
        _ => [&text[..at], damage, &text[at..]].concat().into_bytes(),
    }
}

fn secret_as_yaml(s: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: broken\n  namespace: shop\nstringData:\n  \
         a: {}\n  b: |\n    {s}\ndata:\n  c: {}\n",
        json!(s),
        STANDARD.encode(s)
    )
}

/// Broken files, whose errors must not quote them.
pub const BROKEN_FILES: &[Spot] = &[
    |world, s, dice| {
        let text = broken(&secret_as_yaml(s), dice);
        world.files.push(("m/broken.yaml".to_owned(), text));
    },
    |world, s, dice| {
        let data = json!({"data": {"a": STANDARD.encode(s)}, "stringData": {"b": s}});
        // `json!` sorts keys: the kind has to come first, or a truncated text is not a Secret.
        let fields = secret("broken", data).to_string();
        let text = format!("{{\"kind\":\"Secret\",{}", fields.trim_start_matches('{'));
        world
            .files
            .push(("m/broken.json".to_owned(), broken(&text, dice)));
    },
    |world, s, dice| {
        let text = broken(
            &secret("cart", json!({"stringData": {"b": s}})).to_string(),
            dice,
        );
        world.files.push(("other.json".to_owned(), text));
        world.words.push("--live=other.json".to_owned());
        world.side = Side::Dump;
    },
    // A jq program that fails on a Secret may quote it.
    |world, s, dice| {
        let expressions = [
            ".data.password | error",
            ".data | error(.)",
            ".data.password.x",
            ".data.password | tonumber",
            ".data[.data.password]",
            ".data.password | fromjson",
            ".stringData | .[] | @base64d | fromjson",
            "..|strings|ltrimstr(1)|error",
            ".data.password as $x | $x | error",
            ".data | tojson | halt_error",
            ".data | debug | input",
            ".data | stderr",
            ") | error(.data",
        ];
        let expression = expressions[dice / 5 % expressions.len()];
        world.rules.push(json!({"kind": "Secret", "reason": "r",
            "jqPathExpressions": [expression], "jsonPointers": ["/data/password/x", "/data/0"]}));
        SECRETS[dice % SECRETS.len()](world, s, dice);
    },
    // Helm's release record: not base64, not gzip, not JSON.
    |world, s, dice| {
        let record = json!({"name": "cart", "manifest": s, "config": {"a": s}}).to_string();
        let release = [
            s.to_owned(),
            STANDARD.encode(s),
            STANDARD.encode(STANDARD.encode(s)),
            STANDARD.encode(STANDARD.encode(&record)),
            STANDARD.encode(STANDARD.encode(&record[..record.len() / 2])),
        ];
        let mut stored = secret(
            "sh.helm.release.v1.cart.v1",
            json!({"type": "helm.sh/release.v1", "data": {"release": release[dice % 5]}}),
        );
        stored["metadata"]["labels"] =
            json!({"owner": "helm", "name": "cart", "version": "1", "status": "deployed"});
        world.live.push(stored);
        world.words.push("helm:shop/cart".to_owned());
    },
];

/// Responses of a server that quote secrets.
pub const ANSWERS: &[Spot] = &[|world, s, dice| {
    let parts = [
        "/secrets",
        "/api?",
        "/apis?",
        "/openapi",
        "dryRun",
        "/licenses",
        "/version",
        "?",
    ];
    let part = parts[dice % parts.len()];
    let text: &'static str = Box::leak(s.to_owned().into_boxed_str());
    let codes = [400, 401, 403, 404, 409, 410, 422, 500, 200];
    let fault = match dice / 8 % (codes.len() + 1) {
        at if at < codes.len() => Fault::Quoting(codes[at], text),
        _ => Fault::Warning(text),
    };
    world.side = Side::Server(Some((part, fault)));
    if dice % 3 > 0 || part == "dryRun" {
        world.words.push("--server-dry-run".to_owned());
    }
    SECRETS[dice % SECRETS.len()](world, s, dice);
}];

/// Credentials in a kubeconfig that cannot be used.
pub const KUBECONFIGS: &[Spot] = &[|world, s, dice| {
    let address = json!({"server": "https://127.0.0.1:1"});
    let certificate = format!("-----BEGIN CERTIFICATE-----\n{s}\n-----END CERTIFICATE-----\n");
    let key = format!("-----BEGIN PRIVATE KEY-----\n{s}\n-----END PRIVATE KEY-----\n");
    let plugin = |script: &str| {
        json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
            "args": ["-c", script], "env": [{"name": "OUT", "value": s}],
            "interactiveMode": "Never"}})
    };
    let credential =
        "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\"";
    let logins = [
        (address.clone(), json!({"token": {"a": s}})),
        (address.clone(), json!({"token": format!("{s}\n{s}")})),
        (address.clone(), json!({"token": format!("{s}\u{7f}é")})),
        (address.clone(), json!({"username": "u", "password": [s]})),
        (address.clone(), json!({"username": "u", "password": s})),
        (
            address.clone(),
            json!({"client-certificate-data": STANDARD.encode(&certificate),
            "client-key-data": STANDARD.encode(&key)}),
        ),
        (
            address.clone(),
            json!({"client-certificate-data": s, "client-key-data": s}),
        ),
        (
            address.clone(),
            json!({"client-key-data": STANDARD.encode(s)}),
        ),
        (
            address.clone(),
            json!({"auth-provider": {"name": "oidc", "config": {"id-token": s}}}),
        ),
        (
            address.clone(),
            json!({"auth-provider": {"name": "gcp", "config": {"access-token": s}}}),
        ),
        (address.clone(), json!({"tokenFile": "token"})),
        (
            json!({"server": format!("https://u:{s}@127.0.0.1:1")}),
            json!({}),
        ),
        (json!({"server": format!("https://u:{s}@[bad")}), json!({})),
        (
            json!({"server": format!("https://{s}@127.0.0.1:1")}),
            json!({}),
        ),
        (
            json!({"server": "https://127.0.0.1:1", "proxy-url": format!("http://u:{s}@127.0.0.1:1")}),
            json!({}),
        ),
        (
            json!({"server": "https://127.0.0.1:1", "proxy-url": format!("gopher://u:{s}@[")}),
            json!({}),
        ),
        (
            json!({"server": "https://127.0.0.1:1", "certificate-authority-data": s}),
            json!({}),
        ),
        (address.clone(), plugin("printf %s \"$OUT\"")),
        (address.clone(), plugin("printf %s \"$OUT\" >&2; exit 3")),
        (
            address.clone(),
            plugin("printf '{\"status\": {\"token\": \"%s\"' \"$OUT\""),
        ),
        (
            address.clone(),
            plugin(&format!(
                "printf '{credential},\"status\":{{\"token\":[\"%s\"]}}}}' \"$OUT\""
            )),
        ),
        (
            address.clone(),
            plugin(&format!(
                "printf '{credential},\"status\":{{\"token\":\"%s\\\\n\"}}}}' \"$OUT\""
            )),
        ),
        (
            address.clone(),
            plugin(&format!(
                "printf '{credential},\"status\":{{\"token\":\"%s\",\"expirationTimestamp\":\"%s\"}}}}' \"$OUT\" \"$OUT\""
            )),
        ),
        (address, plugin("kill -9 $$")),
    ];
    let (cluster, user) = logins[dice % logins.len()].clone();
    let text = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]})
    .to_string();
    let text = match dice / logins.len() % 3 {
        0 => text.as_bytes()[..text.len() - dice % text.len()].to_vec(),
        _ => text.into_bytes(),
    };
    world
        .files
        .push(("token".to_owned(), format!("{s}\u{1}\n{s}").into_bytes()));
    world.side = Side::Kubeconfig(text);
    SECRETS[dice % SECRETS.len()](world, s, dice);
}];

/// Returns all spots.
pub fn all() -> Vec<Spot> {
    [NAMED_BY_RULES, SECRETS, BROKEN_FILES, ANSWERS, KUBECONFIGS].concat()
}
