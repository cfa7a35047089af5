//! The words of the command line: the first layer of arguments. Mirrors the flags and checks them
//! one by one and against one another; looks at nothing outside.

mod backport;
mod compare;
mod coverage;
mod doctor;
mod drift;
mod explain;
mod filter;
mod format;
mod gate;
mod guard;
mod policies;
mod policy;
mod reading;
mod render;
mod report;
mod revert;
mod rules;
mod schema;
mod selection;
mod snapshot;
mod source;
mod timeline;
mod triage;
mod untrusted;
mod watch;
mod write;

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use backport::BackportArgs;
pub use compare::{CompareArgs, ConnectionArgs, Extra, LiveArgs};
pub use coverage::CoverageArgs;
pub use doctor::DoctorArgs;
pub use drift::DriftArgs;
pub use explain::ExplainArgs;
pub use filter::FilterArgs;
pub use format::CommandFormat;
use format::{TEXT_OR_JSON, offer};
pub use gate::{FailOn, GateArgs};
pub use guard::{FormArgs, GuardArgs, GuardFormat};
pub use policies::PoliciesArgs;
pub use policy::{PolicyArgs, PolicyFailOn, PolicyFormat};
pub use reading::ReadingArgs;
pub use render::{LoadRestrictor, RenderArgs};
pub use report::{GroupBy, PagerChoice, ReportArgs, SecretPath, Show};
pub use revert::RevertArgs;
pub use rules::{AcceptArgs, DebtArgs, IgnoreArgs, InitArgs, RulesArgs, RulesCommandArgs};
pub use schema::{CONFIG, SchemaArgs};
pub use selection::SelectionArgs;
pub use snapshot::SnapshotArgs;
pub use source::SourceArgs;
pub use timeline::TimelineArgs;
pub use triage::TriageArgs;
pub use untrusted::UntrustedArgs;
pub use watch::{WatchArgs, WatchLabel};
pub use write::{IncludedCause, WriteArgs};

/// Examples come before the flags: most readers want the one line that they can copy.
const TEMPLATE: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

/// What scripts go by.
const EXIT_CODES: &str = "\
Exit codes:
  0  Everything was compared, and nothing was found that --fail-on names (any drift, by default)
  1  Everything was compared, and something was found that --fail-on names
  2  An error, an incomplete comparison, or more than --max-missing or --max-extra allow, whether
     or not drift was found too";

/// `driftctl`
#[derive(Debug, Parser)]
#[command(
    name = "driftctl",
    version,
    about = "Show where a Kubernetes cluster has drifted from its manifests",
    long_about = "Show where a Kubernetes cluster has drifted from its manifests: what was changed, \
                  removed or added live, in which field, and who holds it.\n\n\
                  driftctl only reads; 'driftctl revert' and 'driftctl triage --apply' write, after a \
                  question. It needs the verbs get and list on the kinds in the manifests, and \
                  works with get alone.",
    before_help = "\
Examples:
  driftctl diff ./manifests                       Compare with the cluster of the current context
  driftctl diff ./manifests --live dump.json      Compare with objects that kubectl wrote to a file
  driftctl diff ./manifests -o json               Write a report for other programs
  driftctl completions bash                       Write a completion script for the shell
",
    after_help = EXIT_CODES,
    help_template = TEMPLATE,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What applies to every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct GlobalArgs {
    /// Colour the output: when it goes to a terminal, always, or never
    ///
    /// Without this flag NO_COLOR, CLICOLOR_FORCE and TERM=dumb decide.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true)]
    pub color: ColorChoice,
}

/// When to colour.
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

/// What driftctl can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compare manifests with a cluster and report what drifted
    ///
    /// Reports each field that was changed, removed or added live, with the line that declares it
    /// and who wrote the live value last.
    Diff(Box<DiffArgs>),
    /// Tell why a field of an object is drift, or why it is not
    ///
    /// Names both sides, the field managers of the live value, who is taken for the applier, how the field's
    /// type says that it is compared, and the rule that decided. Runs the same comparison as diff.
    Explain(Box<ExplainArgs>),
    /// Show what happened to objects, in the order of time
    ///
    /// Puts drift, writes, rollouts, Events, restarts, deploys and commits into one list, each with
    /// who did it where a source knows. Names every source that could not be read.
    Timeline(Box<TimelineArgs>),
    /// Compare again and again, and tell when drift begins and ends
    ///
    /// Each round is a whole diff. Keeps when each drift began and how it ended (reverted, backported, accepted,
    /// ignored, deleted), serves metrics and alerts, and goes on after outages and restarts.
    Watch(Box<WatchArgs>),
    /// Count how much of what is live is declared, and by whom the rest was made
    ///
    /// Puts live objects into classes, by namespace and kind: declared, derived (made by controllers
    /// and the cluster), declared elsewhere (by an Application, a Kustomization or a release that is not among the
    /// sources), and declared by nobody, with creator and age. With -A, finds namespaces of previews that are gone.
    Coverage(Box<CoverageArgs>),
    /// Make live objects what their manifests declare, field by field
    ///
    /// Shows what it would do, asks the server (a dry run) and you, and then writes: one patch for
    /// each object that changes what was shown and nothing else, under the name of the field manager that applies the
    /// object. What it says in the end was read again. Nothing but this and triage writes to a cluster.
    Revert(Box<RevertArgs>),
    /// Write what was changed live into the manifests that declare it
    ///
    /// Prints a patch that git apply takes, or edits the files with --write; comments and layout stay
    /// as they are. Writes to no cluster, and commits nothing.
    Backport(Box<BackportArgs>),
    /// Decide about drift change by change, in a file
    ///
    /// Writes the file, and with --apply carries its decisions out (keep, revert, backport, accept,
    /// ignore), as the commands of these names do: one plan, asked of the server and of you first.
    /// What changed since the file was written is skipped, and said.
    Triage(Box<TriageArgs>),
    /// Tell what admission policies would refuse of the manifests, without a cluster
    ///
    /// Evaluates ValidatingAdmissionPolicies and their bindings, read from files, on what the API
    /// server would store. What cannot be evaluated is counted and never a pass.
    Policy(Box<PolicyArgs>),
    /// Write a policy that refuses the next time what was changed live, and prove it
    ///
    /// Evaluates the policy before it prints it: the declared object passes, the drifted one is
    /// refused, an unrelated edit and the deployer pass. Changes no cluster.
    Guard(Box<GuardArgs>),
    /// List the rules, and where each is written
    Rules(Box<RulesCommandArgs>),
    /// Record today's drift as accepted, until it changes or expires
    Accept(Box<AcceptArgs>),
    /// List accepted drift and how long it is accepted for; fails when something is overdue
    Debt(DebtArgs),
    /// Add a rule to .driftctl.yaml that ignores drift
    Ignore(Box<IgnoreArgs>),
    /// Write a commented sample .driftctl.yaml
    Init(InitArgs),
    /// Print the JSON Schema of what driftctl writes or reads
    Schema(SchemaArgs),
    /// Check connection, version, kinds and rights, and print the Roles that are missing
    ///
    /// Asks the API server what a diff of these manifests would need, and reads no object.
    Doctor(Box<DoctorArgs>),
    /// Write down what a diff would read, to look at it again later or elsewhere
    ///
    /// The snapshot is a List as kubectl writes it, for --live. It holds the values of Secrets,
    /// unless --redact masks them.
    Snapshot(Box<SnapshotArgs>),
    /// Write a completion script for a shell
    Completions(CompletionsArgs),
    /// Write the man page
    Man(ManArgs),
    /// Print the versions of driftctl and of the Kubernetes schema inside it
    Version(VersionArgs),
}

impl Command {
    /// Resolves what two ways of writing the same mean, so that nothing below has to know both.
    ///
    /// `words` are those of the command line.
    pub fn settle(&mut self, words: &[OsString]) {
        match self {
            Self::Diff(args) => args.source.settle(),
            Self::Explain(args) => args.source.settle(),
            Self::Timeline(args) => args.source.settle(),
            Self::Watch(args) => args.source.settle(),
            Self::Coverage(args) => args.source.settle(),
            Self::Rules(args) => args.source.settle(),
            Self::Accept(args) => args.source.settle(),
            Self::Doctor(args) => args.reading.source.settle(),
            Self::Snapshot(args) => args.reading.source.settle(),
            Self::Policy(args) => args.source.settle(),
            Self::Revert(args) => args.drift.source.settle(),
            Self::Backport(args) => args.drift.source.settle(),
            Self::Guard(args) => args.drift.source.settle(),
            Self::Triage(args) => {
                args.drift.source.settle();
                let texts = words.iter().map(|word| word.to_string_lossy().into_owned());
                let behind = texts.skip_while(|word| word != "triage").skip(1);
                args.words = behind.collect();
            }
            _ => {}
        }
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
  driftctl diff . -o text -o json=drift.json   Keep the report for programs too
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
    /// What is compared.
    #[command(flatten)]
    pub compare: CompareArgs,
    /// Which policies judge the objects.
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
    /// The command whose page is written; left out, the program's own
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
    /// The format
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_parser = offer(TEXT_OR_JSON))]
    pub output: CommandFormat,
}
