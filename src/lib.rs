//! driftctl shows where a Kubernetes cluster has drifted from its manifests.
//!
//! # The map
//!
//! A module uses the floors below its own. The few uses of a neighbour on the same floor are listed
//! in `tests/cli/architecture.rs`, which enforces this and checks the table against the code. Within a
//! module, files next to each other form no import circle (`tests/cli/import_circles.rs`).
//!
//! | floor | module | what it is for |
//! |---|---|---|
//! | 5 | [`cli`] | argument parsing, command dispatch, exit codes |
//! | 4 | [`engine`] | the pipeline, from sources to a report |
//! | 3 | [`judge`] | decides what is drift: explainers, and the only place that makes verdicts |
//! | 2 | [`source`] | where the declared state comes from |
//! | 2 | [`cluster`] | the live side: an API server or a recording |
//! | 2 | [`config`] | the user's rules, read from files |
//! | 2 | [`jq`] | runs jq expressions, in a process that ends at a deadline |
//! | 2 | [`state`] | state between runs: how to undo a revert, drift that a watch saw |
//! | 2 | [`signals`] | handling of signals, and cleanup before the process ends |
//! | 2 | [`output`] | formats; renderers only render |
//! | 1 | [`schema`] | knowledge about types |
//! | 1 | [`ownership`] | who owns what and who declares, from `managedFields` |
//! | 1 | [`compare`] | compares declared with live objects: the core |
//! | 1 | [`policy`] | rules: what they match, when they expire, and severities |
//! | 1 | [`redact`] | keeps secrets out of every report |
//! | 1 | [`patch`] | builds one JSON Patch from changes and a live object |
//! | 1 | [`edit`] | edits YAML and JSON text in place, keeping comments and layout |
//! | 1 | [`admission`] | evaluates admission policies for an object |
//! | 1 | [`yaml`] | parses YAML and JSON text as Kubernetes does, and finds fields in it |
//! | 0 | [`model`] | the nouns that all modules share; no I/O |
//! | 0 | [`facts`] | facts about Kubernetes and its tools, as data |
//!
//! # The data flow
//!
//! `load → resolve → fetch → compare → attribute → judge → redact → report → exit code`
//!
//! 1. A [`source`] loads manifests. Each remembers its file, document and line; a broken file is an
//!    error with its place and does not stop the others.
//! 2. The [`cluster`] resolves every kind before anything is fetched. No plural and no scope is
//!    guessed: an unknown kind is an error for its objects, not for the run.
//! 3. It fetches. An object that could not be read is [`Unknown`](model::ObjectStatus::Unknown), never
//!    [`Missing`](model::ObjectStatus::Missing).
//! 4. [`compare`] walks the declared and the live object together, guided by the type's [`schema`].
//! 5. [`ownership`] joins each change with its owners.
//! 6. [`judge`] gives each change its verdict: explainers and built-in rules first, then the rules
//!    of [`policy`], then the baseline. Nothing disappears: what a rule hid or explained is counted
//!    under its ID, and can be shown.
//! 7. [`redact`] masks secrets, before any renderer sees the report.
//! 8. [`output`] renders, and [`cli`] turns the report into an exit code.
//!
//! # What is drift?
//!
//! Let D be the manifest, L the live object, M its `managedFields`.
//!
//! - A path in D has drifted if its live value has another meaning. `1000m` is one CPU, a port's
//!   missing protocol is TCP, `null` means the same as absent, and order has no meaning in an
//!   associative list or a set.
//! - A path in L but not in D has drifted unless there is an [`Explanation`](model::Explanation):
//!   it is the server's own bookkeeping; nobody owns it, so the server defaulted it; only the
//!   manager that declares D owns it, without having declared it; it has the type's default; or a
//!   controller that is known to write it owns it.
//! - Everything else was added live, and its owners show by whom.
//!
//! # Glossary
//!
//! The terms are those of Kubernetes and of structured-merge-diff, in code, help, formats and
//! documents alike. `tests/cli/words.rs` lists words to avoid, with the reasons.
//!
//! - **manifest**: an object as someone wrote it. **Declared** is its side of a comparison,
//!   **live** is the cluster's. Never "old" and "new": neither is.
//! - **drift**: a difference in meaning that nothing explains.
//! - **field manager**: the name that a client writes under. The API server records in
//!   `metadata.managedFields` which manager owns which field. An **owner** of a path is a manager
//!   that owns it.
//! - **applier**: the field manager that declares the manifest, by `kubectl apply` or a GitOps tool.
//! - **modified**, **added**, **removed**: what happened to the live side. An added field is live
//!   but not declared.
//! - **missing**: declared, and proven not to be live. **extra**: live, but not in any manifest.
//!   **unknown**: could not be compared, which is an error and never "no drift".
//! - **defaulted**: set by the API server because a request left it out.
//! - **explained**: a difference that is not drift, with the reason. **ignored**: drift that a rule
//!   hides. **accepted**: drift that the baseline hides until it changes or its deadline passes.
//! - **explainer**: code that explains differences with knowledge beyond one object; see
//!   [`judge::explain`].
//! - **verdict**: the decision on a difference: explained, ignored, accepted or reported.
//! - **coverage**: in a report, how many declared objects were compared; fewer than all is
//!   *incomplete*. In `driftctl coverage`, how many live objects are declared; see
//!   [`model::Census`].
//! - **snapshot**: what `driftctl snapshot` writes: everything that a diff would read. **dump**:
//!   live objects as `kubectl get -o json` or `-o yaml` writes them. A **recording** is either.
//! - **associative list**: a list with `listType: map`, whose items are identified by keys
//!   (`containers` by `name`). **set**: a list whose items are identified by value. **atomic**:
//!   written and owned as a whole.
//! - **path**: the address of a field, such as `.spec.template.spec.containers[name="app"].image`. Its
//!   parts are path elements; see [`model::FieldPath`].
//! - **episode**: the drift of one path from its onset to its end; see [`engine::episodes`].
//! - **plan**: what a command that acts on drift is about to do; see [`model::Plan`].

#![forbid(unsafe_code)]

pub mod admission;
pub mod cli;
pub mod cluster;
pub mod compare;
pub mod config;
pub mod edit;
pub mod engine;
pub mod facts;
pub mod jq;
pub mod judge;
pub mod model;
pub mod output;
pub mod ownership;
pub mod patch;
pub mod policy;
pub mod redact;
pub mod schema;
pub mod signals;
pub mod source;
pub mod state;
pub mod yaml;
