//! Arguments of `driftctl backport`.

use std::path::PathBuf;

use clap::Args;

use super::format::{CommandFormat, offer};
use super::{DriftArgs, TEMPLATE};

/// `driftctl backport`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Writes live changes into the files that declare the objects. Keeps comments and layout, and
leaves out fields that the server adds. For kustomize and Helm, edits the file or values where a
change makes the rendered object match the live one and changes nothing else.

Examples:
  driftctl backport ./manifests deploy/cart           The patch for one object
  driftctl backport ./manifests | git apply           Backport all drift
  driftctl backport ./manifests deploy/cart .spec -w  Edit the files
  driftctl backport overlays/prod                     Into overlay or base
  driftctl backport overlays/prod --into base         Into the base, for all
  driftctl backport ./manifests --live dump.json      Without a cluster
",
    after_help = "\
Exit codes:
  0  Everything that was selected was backported, or there was nothing to do
  1  Some selected drift was not backported
  2  An error, or an incomplete comparison",
    help_template = TEMPLATE,
    max_term_width = 100,
    mut_arg("paths", |paths| paths.value_name("PATH|SELECTION"))
)]
pub struct BackportArgs {
    /// Edit the files instead of printing a patch
    ///
    /// A file that was changed since it was read is not written. Files outside the Git repository
    /// of the manifests are never written, not even through links. Nothing is staged or committed.
    #[arg(short, long, help_heading = "Backport")]
    pub write: bool,

    /// Edit this file, or files in this folder, for what kustomize or Helm renders
    ///
    /// By default, the file that sets the value is edited, unless another overlay would change
    /// too: then this overlay gets a patch. With this flag, all other changes are listed.
    #[arg(long, value_name = "FILE|DIR", help_heading = "Backport")]
    pub into: Option<PathBuf>,

    /// Also write values of Secrets and other secrets into the manifests, in clear text
    #[arg(long, help_heading = "Backport")]
    pub allow_secrets: bool,

    /// Write a commit message: what is backported, who changed it and when
    #[arg(long, value_name = "FILE", help_heading = "Backport")]
    pub message: Option<PathBuf>,

    /// Write the result in this format
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "diff",
        help_heading = "Report",
        value_parser = offer(&[
            (CommandFormat::Diff, "A patch for git apply"),
            (CommandFormat::Markdown, "Markdown, with suggestions for the lines in the diff to --base"),
            (CommandFormat::Review, "JSON for GitHub's API: a review that suggests them"),
            (CommandFormat::Json, "One JSON document (driftctl.plan/v1)"),
            (CommandFormat::Name, "The names of the objects whose manifests change, one per line"),
        ])
    )]
    pub output: CommandFormat,

    /// The selected drift.
    #[command(flatten)]
    pub drift: DriftArgs,
}
