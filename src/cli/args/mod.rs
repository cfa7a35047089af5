//! Defines the command line: the first layer of arguments. It mirrors the flags and checks them one
//! by one and against each other; it reads nothing else.

mod backport;
mod browse;
mod compare;
mod coverage;
mod doctor;
mod drift;
mod explain;
mod format;
mod gate;
mod guard;
mod policies;
mod policy;
mod redact;
mod render;
mod report;
mod revert;
mod rules;
mod schema;
mod snapshot;
mod source;
mod timeline;
mod triage;
mod watch;
mod write;

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use backport::BackportArgs;
pub use browse::BrowseArgs;
pub use compare::{
    CompareArgs, ConnectionArgs, ExtraArg, ExtraArgs, FilterArgs, LiveArgs, ReadingArgs,
};
pub use coverage::CoverageArgs;
pub use doctor::DoctorArgs;
pub use drift::{ActArgs, DriftArgs, SelectionArgs};
pub use explain::ExplainArgs;
pub use format::CommandFormat;
use format::{TEXT_OR_JSON, offer};
pub use gate::{FailOn, GateArgs};
pub use guard::{FormArgs, GuardArgs, GuardFormat, GuardScope};
pub use policies::PoliciesArgs;
pub use policy::{PolicyArgs, PolicyFailOn};
pub use redact::{RedactArgs, SecretPath};
pub use render::{LoadRestrictor, RenderArgs};
pub use report::{PagerChoice, ReportArgs};
pub use revert::RevertArgs;
pub use rules::{AcceptArgs, DebtArgs, IgnoreArgs, InitArgs, RulesArgs, RulesCommandArgs};
pub use schema::{CONFIG, SchemaArgs};
pub use snapshot::SnapshotArgs;
pub use source::{SourceArgs, UntrustedArgs};
pub use timeline::TimelineArgs;
pub use triage::TriageArgs;
pub use watch::{WatchArgs, WatchLabel};
pub use write::{IncludedCause, WriteArgs};

/// Examples come before the flags: most readers want the one line that they can copy.
const TEMPLATE: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

/// The exit codes, for scripts.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  Everything was compared, and nothing that --fail-on names (by default any drift) was found
  1  Everything was compared, and something that --fail-on names was found
  2  An error, an incomplete comparison, or more than --max-missing or --max-extra allow, whether
     or not drift was found too";

/// `driftctl`
#[derive(Debug, Parser)]
#[command(
    name = "driftctl",
    version,
    about = "Show where a Kubernetes cluster has drifted from its manifests",
    long_about = "Show where a Kubernetes cluster has drifted from its manifests: what was changed, \
                  removed or added live, in which field, and by whom.\n\n\
                  driftctl writes to a cluster only in 'driftctl revert', 'driftctl browse' and \
                  'driftctl triage --apply', which ask before they write. Everything else only reads: it \
                  needs the verbs get and list on the kinds in the manifests, and works with get alone.",
    before_help = "\
Examples:
  driftctl diff ./manifests                   Compare with the current context
  driftctl diff ./manifests --live dump.json  Compare with a file of objects
  driftctl diff ./manifests -o json           Write a report for programs
  driftctl completions bash                   Write a completion script
",
    after_help = EXIT_CODES,
    help_template = TEMPLATE,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Cli {
    /// The flags of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Returns the command line with a single subcommand and without help texts, if there is a
    /// subcommand of that name. Building the flags of all commands takes longer than many a run.
    pub fn alone(name: &str) -> Option<clap::Command> {
        let with_flags: fn(clap::Command) -> clap::Command = match name {
            "diff" => DiffArgs::augment_args,
            "explain" => ExplainArgs::augment_args,
            "timeline" => TimelineArgs::augment_args,
            "watch" => WatchArgs::augment_args,
            "coverage" => CoverageArgs::augment_args,
            "revert" => RevertArgs::augment_args,
            "backport" => BackportArgs::augment_args,
            "triage" => TriageArgs::augment_args,
            "browse" => BrowseArgs::augment_args,
            "policy" => PolicyArgs::augment_args,
            "guard" => GuardArgs::augment_args,
            "rules" => RulesCommandArgs::augment_args,
            "accept" => AcceptArgs::augment_args,
            "debt" => DebtArgs::augment_args,
            "ignore" => IgnoreArgs::augment_args,
            "init" => InitArgs::augment_args,
            "schema" => SchemaArgs::augment_args,
            "doctor" => DoctorArgs::augment_args,
            "snapshot" => SnapshotArgs::augment_args,
            "completions" => CompletionsArgs::augment_args,
            "man" => ManArgs::augment_args,
            "version" => VersionArgs::augment_args,
            _ => return None,
        };
        let top = GlobalArgs::augment_args(clap::Command::new("driftctl"));
        let subcommand = with_flags(clap::Command::new(name.to_owned()));
        Some(top.subcommand_required(true).subcommand(subcommand))
    }
}

/// Flags of every command.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct GlobalArgs {
    /// Colour the output on a terminal only, always, or never
    ///
    /// By default, NO_COLOR, CLICOLOR_FORCE and TERM=dumb are honoured.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true)]
    pub color: ColorChoice,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// When the output goes to a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compare manifests with a cluster and report what drifted
    ///
    /// Reports each field that was changed, removed or added live, with the line that declares it
    /// and who wrote the live value last.
    Diff(Box<DiffArgs>),
    /// Explain why a field of an object is drift, or why it is not
    ///
    /// Shows both sides, the field managers that own the live value, the applier, how the field's
    /// type is compared, and the rule that decided. Runs the same comparison as diff.
    Explain(Box<ExplainArgs>),
    /// Show what happened to objects, in order of time
    ///
    /// Lists drift, writes, rollouts, Events, restarts, deploys and commits together, each with its
    /// author if known. Names every source that could not be read.
    Timeline(Box<TimelineArgs>),
    /// Compare repeatedly, and report when drift begins and ends
    ///
    /// Each round is a whole diff. Records when each drift began and how it ended (reverted,
    /// backported, accepted, ignored, deleted), serves metrics and alerts, and goes on after
    /// outages and restarts.
    Watch(Box<WatchArgs>),
    /// Count declared live objects, and show who created the others
    ///
    /// Counts live objects by namespace and kind: declared, derived (created by controllers and the
    /// cluster), declared elsewhere (by an Application, a Kustomization or a release that is not
    /// among the sources), and undeclared, with creator and age. With -A, also finds preview
    /// namespaces that were left behind.
    Coverage(Box<CoverageArgs>),
    /// Change live objects back to what their manifests declare
    ///
    /// Shows what it would do, asks the server (a dry run) and you, and then writes: one patch for
    /// each object that changes what was shown and nothing else, under the name of the field
    /// manager that applies the object. The reported result is read back from the server. Only
    /// revert, browse and triage --apply write to a cluster.
    Revert(Box<RevertArgs>),
    /// Write live changes into the manifests
    ///
    /// Prints a patch for git apply, or edits the files with --write; comments and layout stay as
    /// they are. Never writes to a cluster, and never commits.
    Backport(Box<BackportArgs>),
    /// Decide on drift change by change, in a file
    ///
    /// Writes the file, and with --apply carries out its decisions (keep, revert, backport, accept,
    /// ignore), as the commands of these names do: one plan, which the server checks and you
    /// confirm first. Changes since the file was written are skipped and reported.
    Triage(Box<TriageArgs>),
    /// Browse drift in the terminal, and revert, backport or accept it
    ///
    /// Lists drift by severity, with an explanation of each change. Marks are the decisions of
    /// triage and are carried out as by triage --apply: one plan, which the server checks and you
    /// confirm first.
    Browse(Box<BrowseArgs>),
    /// Check manifests against admission policies, without a cluster
    ///
    /// Reads ValidatingAdmissionPolicies with their bindings and Kyverno policies from files, and
    /// evaluates them on what the API server would store. A policy that cannot be evaluated is
    /// counted, and never counts as passed.
    Policy(Box<PolicyArgs>),
    /// Write a policy that blocks the same change next time
    ///
    /// Evaluates the policy before printing it: the declared object, an unrelated edit and the
    /// deployer pass, and the drifted object is refused. Never writes to a cluster.
    Guard(Box<GuardArgs>),
    /// List the rules and where each is defined
    Rules(Box<RulesCommandArgs>),
    /// Record today's drift as accepted, until it changes or expires
    Accept(Box<AcceptArgs>),
    /// List accepted drift and its deadlines
    ///
    /// Exits with 1 when something is overdue.
    Debt(DebtArgs),
    /// Add a rule to .driftctl.yaml that ignores drift
    Ignore(Box<IgnoreArgs>),
    /// Write a commented sample .driftctl.yaml
    Init(InitArgs),
    /// Print the JSON Schema of what driftctl writes or reads
    Schema(SchemaArgs),
    /// Check the connection and permissions, and print the needed Roles
    ///
    /// Asks the API server for the permissions that a diff of these manifests needs. Reads no
    /// objects.
    Doctor(Box<DoctorArgs>),
    /// Save what a diff would read, to compare with later or elsewhere
    ///
    /// The snapshot is a List as kubectl writes it, for --live. It contains the values of Secrets
    /// unless --redact masks them.
    Snapshot(Box<SnapshotArgs>),
    /// Write a completion script for a shell
    Completions(CompletionsArgs),
    /// Write the man page
    Man(ManArgs),
    /// Print the versions of driftctl and of its Kubernetes schema
    Version(VersionArgs),
}

impl Command {
    /// Merges flags that mean the same, such as `-f PATH` and `PATH`, so that no command has to
    /// know both. `words` are the arguments of the command line.
    pub fn merge_aliases(&mut self, words: &[OsString]) {
        let source = match self {
            Self::Diff(args) => &mut args.source,
            Self::Explain(args) => &mut args.source,
            Self::Timeline(args) => &mut args.source,
            Self::Watch(args) => &mut args.source,
            Self::Coverage(args) => &mut args.source,
            Self::Revert(args) => &mut args.act.drift.source,
            Self::Backport(args) => &mut args.drift.source,
            Self::Triage(args) => {
                let texts = words.iter().map(|word| word.to_string_lossy().into_owned());
                let behind = texts.skip_while(|word| word != "triage").skip(1);
                args.words = behind.collect();
                &mut args.act.drift.source
            }
            Self::Browse(args) => &mut args.act.drift.source,
            Self::Policy(args) => &mut args.source,
            Self::Guard(args) => &mut args.drift.source,
            Self::Rules(args) => &mut args.source,
            Self::Accept(args) => &mut args.source,
            Self::Doctor(args) => &mut args.reading.source,
            Self::Snapshot(args) => &mut args.reading.source,
            // No `_`: a command with manifests must be listed here.
            Self::Debt(_)
            | Self::Ignore(_)
            | Self::Init(_)
            | Self::Schema(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Version(_) => return,
        };
        source.merge_aliases();
    }
}

/// `driftctl diff`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl diff ./manifests                    Compare with the current context
  driftctl diff ./manifests --extra namespace  Also report undeclared objects
  driftctl diff ./manifests -o diff | less     Read a unified diff of objects
  driftctl diff . -o text -o json=drift.json   Also write JSON to a file
  helm template . | driftctl diff - -n shop    Compare what Helm renders
  driftctl diff ./manifests --live dump.json   Compare with a recording, from:
    kubectl get deploy,svc,cm -A -o json --show-managed-fields > dump.json
",
    after_help = EXIT_CODES,
    help_template = TEMPLATE,
    max_term_width = 100
)]
pub struct DiffArgs {
    /// The declared side.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The live side.
    #[command(flatten)]
    pub live: LiveArgs,
    /// How to compare.
    #[command(flatten)]
    pub compare: CompareArgs,
    /// The policies to evaluate.
    #[command(flatten)]
    pub policies: PoliciesArgs,
    /// What fails the run.
    #[command(flatten)]
    pub gate: GateArgs,
    /// The rules.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// The report.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `driftctl completions`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl completions bash > ~/.local/share/bash-completion/completions/driftctl
  driftctl completions zsh > \"${fpath[1]}/_driftctl\"
  driftctl completions fish > ~/.config/fish/completions/driftctl.fish
  driftctl completions powershell >> $PROFILE
",
    help_template = TEMPLATE
)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// `driftctl man`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl man | man -l -                        Read it
  driftctl man diff | man -l -                   Read the page of a command
  driftctl man --dir /usr/share/man/man1         Write the pages of all commands
",
    help_template = TEMPLATE,
    max_term_width = 100
)]
pub struct ManArgs {
    /// The command to document (default: driftctl itself)
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
    /// Write the pages of the program and of all its commands into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub dir: Option<std::path::PathBuf>,
}

/// `driftctl version`
#[derive(Debug, Args)]
#[command(help_template = TEMPLATE)]
pub struct VersionArgs {
    /// Write the result in this format
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_parser = offer(TEXT_OR_JSON))]
    pub output: CommandFormat,
}
