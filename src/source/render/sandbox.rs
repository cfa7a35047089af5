//! Where a renderer runs: within limits everywhere, and on Linux in namespaces of its own.
//!
//! A renderer is another program that reads what someone else wrote. What was checked before it ran
//! is one barrier. This is the other: it sees its workspace and the system's programs, no other
//! file, no process, and no network.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use super::program::on_path;

/// What runs in the namespaces, before the program.
const SCRIPT: &str = include_str!("sandbox.sh");

/// Sets the limits, and becomes the program. A limit that a system does not know is passed over.
#[cfg(unix)]
const LIMITS: &str = "ulimit -c 0 || :\nulimit -n 1024 || :\nulimit -f 1048576 || :\nulimit -v \
                      4194304 || :\nulimit -t \"$0\" || :\nexec \"$@\"\n";

/// The most memory that a renderer may ask for, as [`LIMITS`] has it.
pub(super) const MEMORY: &str = "4 GiB";

/// Where the system's programs are.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// The namespaces. All end with the program that made them.
const NAMESPACES: [&str; 10] = [
    "--user",
    "--map-root-user",
    "--mount",
    "--pid",
    "--ipc",
    "--uts",
    "--fork",
    "--kill-child",
    "--propagation",
    "private",
];

/// Whether a renderer runs in namespaces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sandbox {
    /// Where the system has them.
    #[default]
    Wanted,
    /// Always: without them it does not run.
    Required,
    /// Never.
    Off,
}

/// What is said where there are none.
const UNAVAILABLE: &str = "with --untrusted a renderer runs in its own namespaces, without access \
    to other files or the network, but this system does not provide them: run driftctl on Linux, \
    with util-linux and with user namespaces allowed, or pass --no-sandbox to render without a \
    sandbox";

impl Sandbox {
    /// Returns the command that runs a program, without arguments of its own yet.
    ///
    /// # Errors
    /// Fails if the program must not run here.
    pub(super) fn command(
        self,
        program: &Path,
        workspace: &Path,
        network: bool,
        deadline: Duration,
    ) -> Result<Command, String> {
        let wanted = match self {
            Self::Off => false,
            Self::Required => true,
            // What is started by a script is often found by settings in the user's home.
            Self::Wanted => is_binary(program),
        };
        let unshare = wanted.then(unshare).flatten();
        if unshare.is_none() && self == Self::Required {
            return Err(UNAVAILABLE.to_owned());
        }
        let inner = match unshare {
            Some(unshare) => namespaces(unshare, program, workspace, network),
            None => vec![program.into()],
        };
        Ok(limited(inner, deadline))
    }
}

/// Returns a command of these words, within limits.
#[cfg(unix)]
fn limited(words: Vec<OsString>, deadline: Duration) -> Command {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // Of the processor, as much as it could use until the deadline.
    let seconds = (deadline.as_secs() + 1).saturating_mul(cores as u64);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", LIMITS]).arg(seconds.to_string());
    command.args(words);
    command
}

/// There are not limits to set.
#[cfg(not(unix))]
fn limited(words: Vec<OsString>, _: Duration) -> Command {
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// Returns the words that run a program in namespaces.
fn namespaces(unshare: &Path, program: &Path, workspace: &Path, network: bool) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![unshare.into()];
    words.extend(NAMESPACES.map(OsString::from));
    if !network {
        words.push("--net".into());
    }
    words.extend(["--", "/bin/sh", "-c", SCRIPT, "sandbox"].map(OsString::from));
    words.push(workspace.into());
    // It is shown at the path that it has without links.
    words.push(program.canonicalize().unwrap_or(program.to_owned()).into());
    words.push(if network { "yes" } else { "no" }.into());
    words
}

/// Returns the program that makes namespaces; `None` where that does not work. Asked once.
fn unshare() -> Option<&'static Path> {
    static UNSHARE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = UNSHARE.get_or_init(|| {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let unshare = on_path(PATH.as_ref(), "unshare".as_ref())?;
        let workspace = super::workspace().ok()?;
        let shell = Path::new("/bin/sh");
        let words = namespaces(&unshare, shell, workspace.path(), false);
        let mut command = limited(words, Duration::from_secs(10));
        command.args(["-c", ":"]).env_clear().env("PATH", PATH);
        let quiet = [Stdio::null, Stdio::null, Stdio::null].map(|make| make());
        let [input, output, errors] = quiet;
        let status = command.stdin(input).stdout(output).stderr(errors).status();
        status.ok()?.success().then_some(unshare)
    });
    found.as_deref()
}

/// Returns whether a program is one for Linux itself, and no script.
fn is_binary(program: &Path) -> bool {
    let mut start = [0; 4];
    let read = File::open(program).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *b"\x7fELF"
}

/// The environment that every renderer has: nothing of the user's.
pub(super) fn environment(command: &mut Command, workspace: &Path) {
    let home = workspace.join("home");
    command.env_clear().env("HOME", &home).env("TMPDIR", &home);
    if cfg!(unix) {
        command.env("PATH", PATH);
    }
}
