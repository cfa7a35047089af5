//! Processes response bodies as they arrive.

use std::io;

use super::failure::ApiFailure;

/// The size limit of a decompressed body. Five hundred objects of the maximum size in etcd are 750
/// MiB. This bounds the time that a compression bomb takes; the limits of the receivers bound the
/// memory.
const MAX_BODY: u64 = 1 << 30;

/// The size limit of a body that is kept as a whole: an object, a discovery document, an OpenAPI
/// document.
const MAX_WHOLE: u64 = 64 << 20;

/// Processes a body piece by piece.
pub(super) trait Receive {
    /// The result.
    type Out;

    /// Processes the next piece.
    fn chunk(&mut self, chunk: &[u8]) -> Result<(), ApiFailure>;

    /// Finishes the body.
    fn finish(self) -> Result<Self::Out, ApiFailure>;
}

/// Keeps the whole body.
pub(super) struct WholeBody {
    bytes: Vec<u8>,
    most: u64,
}

impl WholeBody {
    pub fn up_to(most: u64) -> Self {
        Self {
            bytes: Vec::new(),
            most,
        }
    }
}

impl Default for WholeBody {
    fn default() -> Self {
        Self::up_to(MAX_WHOLE)
    }
}

impl Receive for WholeBody {
    type Out = Vec<u8>;

    fn chunk(&mut self, chunk: &[u8]) -> Result<(), ApiFailure> {
        if (self.bytes.len() + chunk.len()) as u64 > self.most {
            return Err(too_large(self.most));
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    fn finish(self) -> Result<Vec<u8>, ApiFailure> {
        Ok(self.bytes)
    }
}

/// Keeps the whole body and parses it. A body that does not parse counts as a failure, so the
/// request may be sent again.
pub(super) struct ParsedBody<F> {
    whole: WholeBody,
    parse: F,
}

impl<F> ParsedBody<F> {
    pub fn new(parse: F) -> Self {
        Self {
            whole: WholeBody::default(),
            parse,
        }
    }
}

impl<T, F: Fn(Vec<u8>) -> Result<T, ApiFailure>> Receive for ParsedBody<F> {
    type Out = T;

    fn chunk(&mut self, chunk: &[u8]) -> Result<(), ApiFailure> {
        self.whole.chunk(chunk)
    }

    fn finish(self) -> Result<T, ApiFailure> {
        (self.parse)(self.whole.finish()?)
    }
}

/// A receiver with a size limit, which can be fed directly or by a decompressor.
pub(super) struct Capped<R> {
    receiver: R,
    left: u64,
    complaint: Option<ApiFailure>,
}

impl<R: Receive> Capped<R> {
    pub fn new(receiver: R) -> Self {
        Self {
            receiver,
            left: MAX_BODY,
            complaint: None,
        }
    }

    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), ApiFailure> {
        self.left = self
            .left
            .checked_sub(chunk.len() as u64)
            .ok_or_else(|| too_large(MAX_BODY))?;
        self.receiver.chunk(chunk)
    }

    /// Takes the error for which the receiver refused a chunk.
    pub fn take_error(&mut self) -> Option<ApiFailure> {
        self.complaint.take()
    }

    pub fn finish(self) -> Result<R::Out, ApiFailure> {
        self.receiver.finish()
    }
}

impl<R: Receive> io::Write for Capped<R> {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        if let Err(failure) = self.feed(chunk) {
            self.complaint = Some(failure);
            return Err(io::Error::other("refused"));
        }
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn too_large(most: u64) -> ApiFailure {
    ApiFailure::TooLarge(format!("more than {} MiB", most.div_ceil(1 << 20)))
}
