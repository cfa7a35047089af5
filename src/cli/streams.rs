//! The standard streams of the process, as commands see them.

use std::io::{self, BufRead, BufWriter, ErrorKind, Write};

/// The streams that commands write to and read answers from. They are passed down from `main`, so
/// that no other module uses the process's streams.
pub struct Streams {
    /// The stream for results.
    pub out: Box<dyn Write>,
    /// The stream for everything else about a run.
    pub err: Box<dyn Write>,
    /// The stream for answers to questions.
    pub answers: Box<dyn BufRead>,
}

impl Streams {
    /// Returns the process's streams. A reader that stops early (`| head`) is not an error.
    pub fn standard() -> Self {
        Self {
            out: Box::new(UntilClosed::new(BufWriter::with_capacity(
                64 * 1024,
                io::stdout(),
            ))),
            err: Box::new(UntilClosed::new(io::stderr())),
            answers: Box::new(io::BufReader::new(io::stdin())),
        }
    }
}

/// A writer that discards output after its reader closed the pipe.
///
/// A reader such as `head` may stop early, and the exit code must not depend on how much of the
/// report it read. Every other failure, such as a full disk, is an error.
struct UntilClosed<W> {
    inner: W,
    closed: bool,
}

impl<W: Write> UntilClosed<W> {
    fn new(inner: W) -> Self {
        Self {
            inner,
            closed: false,
        }
    }

    /// Calls `write` unless the reader is gone, and then returns `gone` instead.
    fn unless_closed<T>(
        &mut self,
        gone: T,
        write: impl FnOnce(&mut W) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.closed {
            return Ok(gone);
        }
        match write(&mut self.inner) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(gone)
            }
            other => other,
        }
    }
}

impl<W: Write> Write for UntilClosed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_closed(bytes.len(), |inner| inner.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_closed((), W::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer that always fails in the same way.
    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn ignores_a_closed_pipe() {
        let mut stream = UntilClosed::new(Failing(ErrorKind::BrokenPipe));
        assert!(stream.write_all(b"more").is_ok());
        assert!(stream.flush().is_ok());
    }

    #[test]
    fn reports_a_full_disk() {
        let mut stream = UntilClosed::new(Failing(ErrorKind::StorageFull));
        assert!(stream.write_all(b"more").is_err());
        assert!(stream.flush().is_err());
    }
}
