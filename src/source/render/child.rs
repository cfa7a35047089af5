//! Runs a renderer as a child process, with limits.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use super::sandbox::{MEMORY, Sandbox, environment};
use super::secrets::Secrets;
use crate::signals::AtEnd;

/// The limit on a renderer's output, which is the same as for a file.
const MAX_OUTPUT: u64 = 256 << 20;

/// The limit on its messages.
const MAX_MESSAGES: u64 = 64 << 10;

/// The length limit of a message that is passed on, in characters.
const LONGEST_MESSAGE: usize = 400;

/// Helm's hint after an error, which does not help here (`helm/cmd/helm/template.go`).
const ADVICE: &str = "Use --debug flag to render out invalid YAML";

/// The interval for checking whether a child has ended that has closed its output.
const PAUSE: Duration = Duration::from_millis(2);

/// The environment variables that a program needs for network access.
const NETWORK: [&str; 12] = [
    "PATH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "SYSTEMROOT",
    "SystemRoot",
];

/// The variables that set a proxy.
const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// How a Go program reports that it is out of memory.
const NO_MEMORY: [&str; 2] = ["out of memory", "cannot allocate memory"];

/// One run of a renderer.
pub(in crate::source) struct RendererRun<'j> {
    /// The program's file.
    pub program: &'j Path,
    /// Its name in messages.
    pub name: &'j str,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Its working directory: a temporary directory with an empty `home` in it.
    pub workspace: &'j Path,
    /// Whether it may access the network.
    pub network: bool,
    /// The time after which it is killed.
    pub deadline: Duration,
    /// Whether it runs in its own namespaces.
    pub sandbox: Sandbox,
    /// Returns the secrets that it was given, to mask them in its error message.
    pub secrets: &'j dyn Fn() -> Secrets,
}

/// The output of a program that succeeded.
#[derive(Debug)]
pub(in crate::source) struct Printed {
    /// Its standard output.
    pub output: Vec<u8>,
    /// Its standard error: warnings.
    pub messages: Vec<u8>,
}

impl RendererRun<'_> {
    /// Returns the program's output.
    ///
    /// # Errors
    /// Fails with a message for the user if it cannot be started, fails, takes too long or prints
    /// too much.
    pub fn run(&self) -> Result<Printed, String> {
        self.watch(&mut self.command()?, Vec::new())
    }

    /// Does the same for a program of the user, in the user's environment, with `input` as its
    /// standard input.
    ///
    /// # Errors
    /// Fails like [`Self::run`].
    pub fn run_as_user(&self, input: Vec<u8>) -> Result<Printed, String> {
        let mut command = Command::new(self.program);
        command
            .args(&self.arguments)
            .current_dir(self.workspace)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.watch(&mut command, input)
    }

    /// Runs a command to its end, or to the deadline.
    fn watch(&self, command: &mut Command, input: Vec<u8>) -> Result<Printed, String> {
        let name = self.name;
        let ends = Instant::now() + self.deadline;
        let mut child = ChildGuard::start(command).map_err(|error| {
            let program = self.program.display();
            format!("{name} ({program}) cannot be started: {error}")
        })?;
        if let Some(mut stdin) = child.child.stdin.take() {
            // A program that stops reading its input reports the reason itself.
            thread::spawn(move || drop(stdin.write_all(&input)));
        }
        let output = collect(child.child.stdout.take(), MAX_OUTPUT);
        let messages = collect(child.child.stderr.take(), MAX_MESSAGES);
        let late = || {
            let seconds = self.deadline.as_secs();
            format!(
                "{name} did not finish within {seconds}s and was killed: check why, or allow more \
                 time with --render-timeout"
            )
        };
        let output = output.recv_timeout(time_until(ends)).map_err(|_| late())?;
        if output.len() as u64 > MAX_OUTPUT {
            let most = MAX_OUTPUT >> 20;
            return Err(format!(
                "{name} wrote more than {most} MiB: render less at a time"
            ));
        }
        let status = child.wait(ends).ok_or_else(late)?;
        // A grandchild that is still running may keep it open.
        let messages = messages.recv_timeout(time_until(ends).min(Duration::from_secs(1)));
        let messages = messages.unwrap_or_default();
        if status.success() {
            return Ok(Printed { output, messages });
        }
        if is_out_of_memory(&messages) {
            return Err(format!(
                "{name} needed more than {MEMORY} of memory and was killed: render less at a time"
            ));
        }
        let said = (self.secrets)().mask(&String::from_utf8_lossy(&messages));
        let said = last_words(said.as_bytes());
        Err(match status.code() {
            Some(code) if said.is_empty() => format!("{name} failed with exit code {code}"),
            Some(code) => format!("{name} failed with exit code {code}: {said}"),
            None => format!("{name} was killed by a signal"),
        })
    }

    /// Sets an environment without credentials or configuration, and without the means to find
    /// them.
    fn command(&self) -> Result<Command, String> {
        let mut command =
            self.sandbox
                .command(self.program, self.workspace, self.network, self.deadline)?;
        environment(&mut command, self.workspace);
        command
            .args(&self.arguments)
            .current_dir(self.workspace)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.network {
            command.env("GIT_TERMINAL_PROMPT", "0");
            let given = |name: &str| Some((name.to_owned(), std::env::var_os(name)?));
            command.envs(NETWORK.iter().filter_map(|name| given(name)));
        } else {
            // Nothing listens at this address.
            command.envs(PROXIES.map(|name| (name, "http://127.0.0.1:1")));
        }
        Ok(command)
    }
}

/// Kills the child when dropped, or when a signal ends the run.
struct ChildGuard {
    child: Child,
    at_end: Option<AtEnd>,
}

impl ChildGuard {
    fn start(command: &mut Command) -> io::Result<Self> {
        // Registered first, so that nothing is started once the run is ending.
        let (tell, started) = mpsc::channel();
        let at_end = AtEnd::run(move || {
            if let Ok(id) = started.try_recv() {
                kill(id);
            }
        });
        let child = command.spawn()?;
        let _ = tell.send(child.id());
        Ok(Self {
            child,
            at_end: Some(at_end),
        })
    }

    fn wait(&mut self, ends: Instant) -> Option<ExitStatus> {
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < ends => thread::sleep(PAUSE),
                Ok(None) | Err(_) => return None,
            }
        }
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        // Cancelled first, because after waiting for the child its ID may belong to another
        // program.
        self.at_end = None;
        // It may have ended on its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Kills the process with this ID, while its parent is busy elsewhere.
#[cfg(unix)]
fn kill(id: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // It may have ended on its own.
        let _ = kill_process(id, Signal::KILL);
    }
}

/// Does nothing: not supported on this system.
#[cfg(not(unix))]
fn kill(_: u32) {}

/// Reads a stream in a thread, at most one byte beyond the limit.
fn collect(stream: Option<impl Read + Send + 'static>, most: u64) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // A broken stream ends here; the exit code shows the error.
            let _ = stream.by_ref().take(most + 1).read_to_end(&mut bytes);
        }
        // The receiver may be gone.
        let _ = sender.send(bytes);
    });
    receiver
}

fn time_until(ends: Instant) -> Duration {
    ends.saturating_duration_since(Instant::now())
}

/// Returns whether a program ended because it ran out of memory.
fn is_out_of_memory(messages: &[u8]) -> bool {
    let text = String::from_utf8_lossy(messages);
    let mut fatal = text
        .lines()
        .filter(|line| line.starts_with("fatal error: "));
    fatal.any(|line| NO_MEMORY.iter().any(|mark| line.contains(mark)))
}

/// Returns a program's last message, on one line and not too long. Programs print the cause at the
/// end, after warnings.
fn last_words(messages: &[u8]) -> String {
    let text = without_way(&String::from_utf8_lossy(messages));
    // Of a multi-line message in Kubernetes' log format, the first line is the most useful; the
    // others may quote the input.
    let of_several = text.split_once("err=<\n").map(|(_, lines)| lines);
    let first = of_several.and_then(|lines| lines.lines().next());
    let text = first.unwrap_or(&text);
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && *line != ADVICE);
    let lines: Vec<&str> = lines.collect();
    let last = cause(&lines);
    let last = of_klog(&last).unwrap_or(last);
    let last = last.strip_prefix("Error: ").unwrap_or(&last);
    shortened(last.strip_prefix("error: ").unwrap_or(last))
}

/// Returns the line with the error; for a list of errors, with the text before it.
fn cause(lines: &[&str]) -> String {
    let begins = |line: &&str| line.starts_with("Error: ");
    match (lines.last(), lines.iter().rposition(begins)) {
        (Some(last), Some(first)) if last.starts_with("- ") => lines[first..].join(" "),
        (Some(last), _) => (*last).to_owned(),
        (None, _) => String::new(),
    }
}

/// Removes the middle of a text that is too long, because the position is at its beginning and the
/// cause at its end.
fn shortened(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST_MESSAGE {
        return text.to_owned();
    }
    let half = LONGEST_MESSAGE / 2;
    let start = text.chars().take(half);
    start
        .chain(['…'])
        .chain(text.chars().skip(length - half))
        .collect()
}

/// How kustomize reports that one directory refers to another.
pub(in crate::source) const WAY: &str = "recursed accumulation of path '";

/// Removes the chain of references from a message of kustomize's, which lists from the root every
/// directory that refers to another, and the settings on the way.
fn without_way(text: &str) -> String {
    let text = without_settings(text).unwrap_or_else(|| text.to_owned());
    let Some((_, innermost)) = text.rsplit_once(WAY) else {
        return text;
    };
    let cause = innermost.lines().next().unwrap_or_default();
    let cause = cause.replace("\\\\\\\"", "\"").replace("\\\"", "\"");
    format!("{WAY}{}", cause.trim_end_matches('"'))
}

/// Replaces the settings in a message by their file, because their content may be secret.
fn without_settings(text: &str) -> Option<String> {
    let (before, rest) = text.split_once(" with config: `\n")?;
    let (settings, cause) = rest.split_once("`: ")?;
    let mut settings = settings.lines().map(str::trim);
    let file = settings.find(|line| line.starts_with("path: "));
    let cause = cause.lines().next()?;
    let (cause, _) = cause.split_once(" from [").unwrap_or((cause, ""));
    Some(format!("{before} ({}): {cause}", file.unwrap_or("inline")))
}

/// Returns the error in a line of Kubernetes' log format, which begins with the time and the
/// process (`E1121 14:53:57.052964 27197 run.go:72] "command failed" err="…"`).
fn of_klog(line: &str) -> Option<String> {
    let (_, message) = line.split_once("] ").filter(|_| line.starts_with('E'))?;
    let (_, error) = message.split_once("err=\"")?;
    let error = error.strip_suffix('"').unwrap_or(error);
    Some(error.replace("\\\"", "\"").replace("\\n", " "))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_only_the_cause_of_an_error_by_kustomize() {
        let said = b"E1 2 3 run.go:72] \"command failed\" err=<\n\ttrouble configuring builtin A \
                     with config: `\n\tpath: p.yaml\n\ttarget: {}\n\t`: unable to parse from \
                     [pw: hunter2]\n >\n";
        assert_eq!(
            last_words(said),
            "trouble configuring builtin A (path: p.yaml): unable to parse"
        );
        let said = b"E1 2 3 run.go:72] \"command failed\" err=\"accumulating components: \
                     accumulateDirectory: \\\"recursed accumulation of path '/a': no matches for \
                     \\\\\\\"A\\\\\\\"\\\"\"\n";
        assert_eq!(
            last_words(said),
            "recursed accumulation of path '/a': no matches for \"A"
        );
    }

    fn run(script: &str) -> Result<Printed, String> {
        let workspace = tempfile::tempdir().unwrap();
        std::fs::create_dir(workspace.path().join("home")).unwrap();
        let job = RendererRun {
            program: Path::new("/bin/sh"),
            name: "tool",
            arguments: ["-c", script].map(OsString::from).to_vec(),
            workspace: workspace.path(),
            network: false,
            deadline: Duration::from_millis(500),
            sandbox: Sandbox::Off,
            secrets: &Secrets::default,
        };
        job.run()
    }

    #[test]
    fn returns_the_output() {
        let printed = run("echo a; echo b >&2").unwrap();
        assert_eq!(
            (&*printed.output, &*printed.messages),
            (&b"a\n"[..], &b"b\n"[..])
        );
    }

    #[test]
    fn a_failure_shows_only_the_last_message() {
        let message = run("echo '# Warning' >&2; echo 'Error: no such file' >&2; exit 3");
        let expected = "tool failed with exit code 3: no such file";
        assert_eq!(message.unwrap_err(), expected);
        let message = run("kill -9 $$").unwrap_err();
        assert_eq!(message, "tool was killed by a signal");
        let long = run("printf 'a%01000db' 1 >&2; exit 1").unwrap_err();
        assert!(
            long.len() < 450 && long.contains(": a0") && long.ends_with("1b"),
            "{long}"
        );
    }

    #[test]
    fn finds_the_cause_in_messages_of_helm() {
        let advised = b"Error: execution error at (a/b.yaml:1:6): give q\n\nUse --debug flag to \
                        render out invalid YAML\n";
        assert_eq!(
            last_words(advised),
            "execution error at (a/b.yaml:1:6): give q"
        );
        let list = b"log\nError: these do not fit:\na:\n- x: no integer\n- y: no string\n\n";
        assert_eq!(
            last_words(list),
            "these do not fit: a: - x: no integer - y: no string"
        );
    }

    #[test]
    fn parses_the_log_format_of_kubectl() {
        let line = r#"E1121 14:53:57.05 27197 run.go:72] "command failed" err="a \"b\"\nc""#;
        assert_eq!(last_words(line.as_bytes()), "a \"b\" c");
        let lines = b"E1121 14:53:57.05 27197 run.go:72] \"failed\" err=<\n\ttrouble\n\tsecret\n >";
        assert_eq!(last_words(lines), "trouble");
    }

    #[test]
    fn kills_programs_at_the_deadline() {
        for script in ["sleep 60", "exec >&-; sleep 60", "while :; do :; done"] {
            let message = run(script).unwrap_err();
            assert!(message.contains("did not finish"), "{script}: {message}");
        }
    }

    #[test]
    fn the_environment_and_the_home_directory_are_empty() {
        let output = run("env | cut -d= -f1 | sort; ls -A \"$HOME\"").unwrap();
        let names = String::from_utf8(output.output).unwrap();
        let known = ["HOME", "OLDPWD", "PATH", "PWD", "SHLVL", "TMPDIR", "_"];
        let known = [&known[..], &PROXIES].concat();
        let unknown: Vec<&str> = names.lines().filter(|n| !known.contains(n)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
