//! Runs a renderer as a child process, within bounds.

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

/// The most that a renderer may write: as much as a file that is read may hold.
const MAX_OUTPUT: u64 = 256 << 20;

/// The most of its messages that is kept.
const MAX_MESSAGES: u64 = 64 << 10;

/// The longest message that is passed on, in characters.
const LONGEST_MESSAGE: usize = 400;

/// What helm says after an error that it makes nothing clearer (`helm/cmd/helm/template.go`).
const ADVICE: &str = "Use --debug flag to render out invalid YAML";

/// How often a child is looked at that has closed its output and not ended.
const PAUSE: Duration = Duration::from_millis(2);

/// What a program needs to reach other machines, if it may.
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

/// What sends a program's requests to another one.
const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// How a program of Go's says that it gets no memory.
const NO_MEMORY: [&str; 2] = ["out of memory", "cannot allocate memory"];

/// One run of a renderer.
pub(in crate::source) struct Job<'j> {
    /// The program's file.
    pub program: &'j Path,
    /// What it is called in messages.
    pub name: &'j str,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Where it runs: a directory of our own, with an empty `home` in it.
    pub workspace: &'j Path,
    /// Whether it may fetch from other machines.
    pub network: bool,
    /// When it is ended.
    pub deadline: Duration,
    /// Whether it runs in namespaces of its own.
    pub sandbox: Sandbox,
    /// What it was given that is secret. Asked when it fails.
    pub secrets: &'j dyn Fn() -> Secrets,
}

/// What a program wrote that did not fail.
#[derive(Debug)]
pub(in crate::source) struct Printed {
    /// To its standard output.
    pub output: Vec<u8>,
    /// To its standard error: warnings.
    pub messages: Vec<u8>,
}

impl Job<'_> {
    /// Returns what the program prints.
    ///
    /// # Errors
    /// In words for the user: it cannot be started, fails, takes too long or writes too much.
    pub fn run(&self) -> Result<Printed, String> {
        self.watch(&mut self.command()?, Vec::new())
    }

    /// Returns the same of a program that the user has run, with the user's own environment;
    /// `input` is what it reads.
    ///
    /// # Errors
    /// As for [`Self::run`].
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
        let mut child = Guard::start(command).map_err(|error| {
            let program = self.program.display();
            format!("{name} ({program}) cannot be started: {error}")
        })?;
        if let Some(mut stdin) = child.child.stdin.take() {
            // A program that reads no more says why itself.
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
        let output = output.recv_timeout(until(ends)).map_err(|_| late())?;
        if output.len() as u64 > MAX_OUTPUT {
            let most = MAX_OUTPUT >> 20;
            return Err(format!(
                "{name} wrote more than {most} MiB: render less at a time"
            ));
        }
        let status = child.wait(ends).ok_or_else(late)?;
        // What it says may come from a grandchild that lives on.
        let messages = messages.recv_timeout(until(ends).min(Duration::from_secs(1)));
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

    /// No credentials, no configuration, and nothing to find them by.
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
            // Nobody listens there.
            command.envs(PROXIES.map(|name| (name, "http://127.0.0.1:1")));
        }
        Ok(command)
    }
}

/// Ends the child when it goes, or a signal ends the run, whatever the child is at.
struct Guard {
    child: Child,
    at_end: Option<AtEnd>,
}

impl Guard {
    fn start(command: &mut Command) -> io::Result<Self> {
        // Noted first: once the run is ending, nothing is started any more.
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

impl Drop for Guard {
    fn drop(&mut self) {
        // Called off first: once the child is waited for, its id may be another program's.
        self.at_end = None;
        // It may have ended on its own, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ends the process with this id, while its parent is busy elsewhere.
#[cfg(unix)]
fn kill(id: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // It may have ended on its own, which is as good.
        let _ = kill_process(id, Signal::KILL);
    }
}

/// Not known how.
#[cfg(not(unix))]
fn kill(_: u32) {}

/// Reads a stream in a thread of its own, one byte beyond the bound at most.
fn collect(stream: Option<impl Read + Send + 'static>, most: u64) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // A stream that breaks off ends here; the exit code tells.
            let _ = stream.by_ref().take(most + 1).read_to_end(&mut bytes);
        }
        // Nobody may wait any more.
        let _ = sender.send(bytes);
    });
    receiver
}

fn until(ends: Instant) -> Duration {
    ends.saturating_duration_since(Instant::now())
}

/// Returns whether a program ended since it got no more memory.
fn is_out_of_memory(messages: &[u8]) -> bool {
    let text = String::from_utf8_lossy(messages);
    let mut fatal = text
        .lines()
        .filter(|line| line.starts_with("fatal error: "));
    fatal.any(|line| NO_MEMORY.iter().any(|mark| line.contains(mark)))
}

/// Returns what a program said last, on one line and not too long. The programs say the cause at
/// the end, after warnings.
fn last_words(messages: &[u8]) -> String {
    let text = without_way(&String::from_utf8_lossy(messages));
    // Of a message of several lines in Kubernetes' log format the first says most; the others may
    // quote what is wrong.
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

/// Returns the line that says what is wrong; if that is a list, with the words before it.
fn cause(lines: &[&str]) -> String {
    let begins = |line: &&str| line.starts_with("Error: ");
    match (lines.last(), lines.iter().rposition(begins)) {
        (Some(last), Some(first)) if last.starts_with("- ") => lines[first..].join(" "),
        (Some(last), _) => (*last).to_owned(),
        (None, _) => String::new(),
    }
}

/// Without the middle of what is too long: at the start stands the place, at the end the cause.
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

/// How kustomize says that a directory led it to another.
pub(in crate::source) const WAY: &str = "recursed accumulation of path '";

/// Returns a message of kustomize's without the way to what is wrong, which it tells from the
/// start: every directory that leads to another, and the settings that hold on the way.
fn without_way(text: &str) -> String {
    let text = without_settings(text).unwrap_or_else(|| text.to_owned());
    let Some((_, innermost)) = text.rsplit_once(WAY) else {
        return text;
    };
    let cause = innermost.lines().next().unwrap_or_default();
    let cause = cause.replace("\\\\\\\"", "\"").replace("\\\"", "\"");
    format!("{WAY}{}", cause.trim_end_matches('"'))
}

/// Of settings that stand between what failed and why, the file is enough; what was in it may be
/// secret.
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
    fn of_kustomize_the_cause_is_shown_alone() {
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
        let job = Job {
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
    fn output_comes_back() {
        let printed = run("echo a; echo b >&2").unwrap();
        assert_eq!(
            (&*printed.output, &*printed.messages),
            (&b"a\n"[..], &b"b\n"[..])
        );
    }

    #[test]
    fn failures_tell_the_last_words_only() {
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
    fn what_helm_says_last_is_not_always_the_cause() {
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
    fn the_log_format_of_kubectl_is_read() {
        let line = r#"E1121 14:53:57.05 27197 run.go:72] "command failed" err="a \"b\"\nc""#;
        assert_eq!(last_words(line.as_bytes()), "a \"b\" c");
        let lines = b"E1121 14:53:57.05 27197 run.go:72] \"failed\" err=<\n\ttrouble\n\tsecret\n >";
        assert_eq!(last_words(lines), "trouble");
    }

    #[test]
    fn programs_that_do_not_end_are_ended() {
        for script in ["sleep 60", "exec >&-; sleep 60", "while :; do :; done"] {
            let message = run(script).unwrap_err();
            assert!(message.contains("did not finish"), "{script}: {message}");
        }
    }

    #[test]
    fn the_environment_is_empty_and_so_is_the_home() {
        let output = run("env | cut -d= -f1 | sort; ls -A \"$HOME\"").unwrap();
        let names = String::from_utf8(output.output).unwrap();
        let known = ["HOME", "OLDPWD", "PATH", "PWD", "SHLVL", "TMPDIR", "_"];
        let known = [&known[..], &PROXIES].concat();
        let unknown: Vec<&str> = names.lines().filter(|n| !known.contains(n)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
