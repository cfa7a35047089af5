//! The driftctl command of this build, which is ended where it hangs.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

/// How long a command may run.
const MOST: Duration = Duration::from_secs(60);

/// A command that is about to run.
pub struct Driftctl {
    command: Command,
    input: Vec<u8>,
}

impl Driftctl {
    /// Returns the command, in a directory and without any environment.
    pub fn new(directory: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_driftctl"));
        command.current_dir(directory).env_clear();
        Self {
            command,
            input: Vec::new(),
        }
    }

    pub fn arg(&mut self, word: impl AsRef<OsStr>) -> &mut Self {
        self.command.arg(word);
        self
    }

    pub fn args(&mut self, words: impl IntoIterator<Item: AsRef<OsStr>>) -> &mut Self {
        self.command.args(words);
        self
    }

    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.command.env(name, value);
        self
    }

    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        &mut self,
        vars: impl IntoIterator<Item = (N, V)>,
    ) -> &mut Self {
        self.command.envs(vars);
        self
    }

    pub fn env_remove(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.command.env_remove(name);
        self
    }

    pub fn current_dir(&mut self, directory: impl AsRef<Path>) -> &mut Self {
        self.command.current_dir(directory);
        self
    }

    /// With a text on standard input, which is empty otherwise.
    pub fn write_stdin(&mut self, text: impl Into<Vec<u8>>) -> &mut Self {
        self.input = text.into();
        self
    }

    /// Runs the command to its end.
    pub fn output(&mut self) -> io::Result<Output> {
        let pipes = [Stdio::piped(), Stdio::piped(), Stdio::piped()];
        let [stdin, stdout, stderr] = pipes;
        let command = self.command.stdin(stdin).stdout(stdout).stderr(stderr);
        let mut child = command.spawn()?;
        let stdin = child.stdin.take();
        let (done, reading) = mpsc::channel();
        let stdout = reader(child.stdout.take(), done.clone());
        let stderr = reader(child.stderr.take(), done);
        let input = self.input.clone();
        let writer = thread::spawn(move || {
            // The command may end before it has read everything.
            let _ = stdin.map(|mut stdin| stdin.write_all(&input));
        });
        // Both pipes end with the command.
        for _ in 0..2 {
            if reading.recv_timeout(MOST).is_err() {
                child.kill()?;
            }
        }
        let _ = writer.join();
        Ok(Output {
            status: child.wait()?,
            stdout: stdout.join().unwrap(),
            stderr: stderr.join().unwrap(),
        })
    }
}

fn reader(
    pipe: Option<impl Read + Send + 'static>,
    done: Sender<()>,
) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).unwrap();
        }
        let _ = done.send(());
        bytes
    })
}
