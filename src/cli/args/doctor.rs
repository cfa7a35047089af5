//! Arguments of `driftctl doctor`.

use clap::Args;

use super::ReadingArgs;
use super::format::{CommandFormat, offer};

/// `driftctl doctor`
#[derive(Debug, Args)]
#[command(
    before_help = "\
Examples:
  driftctl doctor ./manifests               Check connection and permissions
  driftctl doctor ./manifests -o yaml       Print the Roles that a diff needs
  driftctl doctor ./manifests --for revert  Check what driftctl revert needs
  driftctl doctor ./manifests -o yaml | kubectl --context admin apply -f -
  driftctl doctor ./manifests -o yaml --for system:serviceaccount:ci:driftctl
",
    after_help = "\
Exit codes:
  0  A diff of these manifests can read everything; with --for revert, a revert can also write it
  2  It cannot, or that could not be determined",
    help_template = super::TEMPLATE,
    max_term_width = 100
)]
pub struct DoctorArgs {
    /// The objects to read.
    #[command(flatten)]
    pub reading: ReadingArgs,

    /// Also check the permissions for --server-dry-run: the verb patch
    #[arg(long, help_heading = "Comparison")]
    pub server_dry_run: bool,

    /// Bind the printed Roles to this user instead of yourself; 'revert' checks the permissions of
    /// driftctl revert
    ///
    /// A service account is system:serviceaccount:NAMESPACE:NAME. With '--for revert', the
    /// permissions to patch the objects and to create Events are checked and printed too. Can be
    /// given twice, for a user and for revert.
    #[arg(long = "for", value_name = "USER|revert", help_heading = "Report")]
    pub purposes: Vec<String>,

    /// Name the printed Roles
    #[arg(
        long,
        value_name = "NAME",
        default_value = "driftctl",
        help_heading = "Report"
    )]
    pub role_name: String,

    /// Print a checklist, a document, or only the Roles
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Report",
        value_parser = offer(&[
            (CommandFormat::Text, "A checklist for reading"),
            (CommandFormat::Json, "One JSON document (driftctl.doctor/v1)"),
            (CommandFormat::Yaml, "The Roles and their bindings, for kubectl apply"),
        ])
    )]
    pub output: CommandFormat,
}

impl DoctorArgs {
    /// Returns the user to bind the Roles to, if one is named.
    pub fn subject(&self) -> Option<&String> {
        self.purposes.iter().find(|word| *word != REVERT)
    }

    /// Returns whether to check the permissions of `driftctl revert`.
    pub fn is_for_revert(&self) -> bool {
        self.purposes.iter().any(|word| word == REVERT)
    }
}

/// The argument for `driftctl revert`, in place of a user.
const REVERT: &str = "revert";
