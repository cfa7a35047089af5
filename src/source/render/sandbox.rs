//! Runs renderers with limits, and on Linux in their own namespaces.
//!
//! A renderer is a third-party program that reads untrusted files. Checks before it runs are one
//! barrier. The sandbox is the other: in it, the renderer sees only its workspace and the system's
//! programs, and no other file, process or network.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use super::program::on_path;

/// The script that runs in the namespaces before the program.
const SCRIPT: &str = include_str!("sandbox.sh");

/// Sets the limits, and executes the program. A limit that a system does not support is skipped.
#[cfg(unix)]
const LIMITS: &str = "ulimit -c 0 || :\nulimit -n 1024 || :\nulimit -f 1048576 || :\nulimit -v \
                      4194304 || :\nulimit -t \"$0\" || :\nexec \"$@\"\n";

/// The memory limit of a renderer, as in [`LIMITS`].
pub(super) const MEMORY: &str = "4 GiB";

/// The directories of the system's programs.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// The namespaces. All end with the program that created them.
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
    /// If the system supports namespaces.
    #[default]
    Wanted,
    /// Always: without namespaces, the renderer does not run.
    Required,
    /// Never.
    Off,
}

/// The error if namespaces are required but not available.
const UNAVAILABLE: &str = "with --untrusted a renderer runs in its own namespaces, without access \
    to other files or the network, but this system does not provide them: run driftctl on Linux, \
    with util-linux and with user namespaces allowed, or pass --no-sandbox to render without a \
    sandbox";

impl Sandbox {
    /// Returns the command that runs a program, without its arguments.
    ///
    /// # Errors
    /// Fails if the program must not run on this system.
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
            // A program that is started by a script is often found through settings in the user's
            // home.
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

/// Returns a command with limits.
#[cfg(unix)]
fn limited(words: Vec<OsString>, deadline: Duration) -> Command {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // The limit on CPU time is what it could use until the deadline.
    let seconds = (deadline.as_secs() + 1).saturating_mul(cores as u64);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", LIMITS]).arg(seconds.to_string());
    command.args(words);
    command
}

/// Returns the command unchanged, because this system has no limits to set.
#[cfg(not(unix))]
fn limited(words: Vec<OsString>, _: Duration) -> Command {
    let mut words = words.into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// Returns the arguments that run a program in namespaces.
fn namespaces(unshare: &Path, program: &Path, workspace: &Path, network: bool) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![unshare.into()];
    words.extend(NAMESPACES.map(OsString::from));
    if !network {
        words.push("--net".into());
    }
    words.extend(["--", "/bin/sh", "-c", SCRIPT, "sandbox"].map(OsString::from));
    words.push(workspace.into());
    // The workspace is mounted at its path without links.
    words.push(program.canonicalize().unwrap_or(program.to_owned()).into());
    words.push(if network { "yes" } else { "no" }.into());
    words.push(unshare.into());
    words
}

/// Returns the program that creates namespaces; `None` if it does not work. This is checked once.
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

/// Returns whether a program is a Linux executable, and not a script.
fn is_binary(program: &Path) -> bool {
    let mut start = [0; 4];
    let read = File::open(program).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *b"\x7fELF"
}

/// Sets the environment of every renderer, without anything of the user's.
pub(super) fn environment(command: &mut Command, workspace: &Path) {
    let home = workspace.join("home");
    command.env_clear().env("HOME", &home).env("TMPDIR", &home);
    if cfg!(unix) {
        command.env("PATH", PATH);
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_program_the_users_path_and_needs_nothing_on_it() {
        if unshare().is_none() {
            return;
        }
        let workspace = super::super::workspace().unwrap();
        let sandbox = Sandbox::Required;
        let minute = Duration::from_secs(60);
        let shell = Path::new("/bin/sh");
        let command = sandbox.command(shell, workspace.path(), true, minute);
        let mut command = command.unwrap();
        environment(&mut command, workspace.path());
        let words = ["-c", "echo $PATH"];
        let output = command.args(words).env("PATH", "/nowhere").output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(output.stdout, b"/nowhere\n");
    }
}
