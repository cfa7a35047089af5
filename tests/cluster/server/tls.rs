//! The certificates of the test server, and its requirements for connections.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::ring};

/// Reads a file that `fixtures/tls/make` wrote.
macro_rules! made {
    ($file:literal) => {
        include_str!(concat!("../../../fixtures/tls/", $file))
    };
}

/// A certificate and its key, as PEM.
#[derive(Clone, Copy)]
pub struct Pair {
    pub certificate: &'static str,
    pub key: &'static str,
}

/// Reads the certificate and the key of this name.
macro_rules! pair {
    ($name:literal) => {
        Pair {
            certificate: include_str!(concat!("../../../fixtures/tls/", $name, ".crt")),
            key: include_str!(concat!("../../../fixtures/tls/", $name, ".key")),
        }
    };
}

/// A server's certificate, the authority that signed it, and the requirements for clients.
#[derive(Clone, Copy)]
pub struct Identity {
    server: Pair,
    /// Whether clients must show a certificate that the authority signed.
    ask_clients: bool,
}

impl Identity {
    /// Returns the identity of a server at `127.0.0.1`.
    pub fn plain() -> Self {
        Self::showing(pair!("server"))
    }

    /// Returns the identity of a server at `api.shop.example`.
    pub fn named() -> Self {
        Self::showing(pair!("named"))
    }

    /// Returns the identity of a server at `127.0.0.1` whose certificate has expired.
    pub fn expired() -> Self {
        Self::showing(pair!("expired"))
    }

    fn showing(server: Pair) -> Self {
        Self {
            server,
            ask_clients: false,
        }
    }

    /// Requires client certificates that are signed by the same authority.
    #[must_use]
    pub fn asking_clients(mut self) -> Self {
        self.ask_clients = true;
        self
    }

    /// Returns the certificate of the signing authority.
    pub fn authority(&self) -> &'static str {
        made!("authority.crt")
    }

    /// Returns the certificate of an authority that signed none of the others.
    pub fn other_authority() -> &'static str {
        made!("other.crt")
    }

    /// Returns a client certificate from the same authority.
    pub fn client(&self) -> Pair {
        pair!("client")
    }

    /// Returns the acceptor for connections.
    pub fn acceptor(&self, http2: bool) -> TlsAcceptor {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if self.ask_clients {
            let mut roots = RootCertStore::empty();
            let authority = CertificateDer::from_pem_slice(self.authority().as_bytes()).unwrap();
            roots.add(authority).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let certificate = CertificateDer::from_pem_slice(self.server.certificate.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(self.server.key.as_bytes());
        let mut config = builder
            .with_single_cert(vec![certificate.unwrap()], key.unwrap())
            .unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if http2 {
            config.alpn_protocols.insert(0, b"h2".to_vec());
        }
        TlsAcceptor::from(Arc::new(config))
    }
}
