//! Certificates, and the terms on which connections are taken.

use std::sync::{Arc, LazyLock};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::ring};

/// Making keys takes a moment, and hundreds of servers may share one.
static PLAIN: LazyLock<Identity> = LazyLock::new(|| Identity::named("127.0.0.1"));

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

/// A server's certificate, who signed it, and what is asked of clients.
#[derive(Clone)]
pub struct Identity {
    authority: String,
    server: Pair,
    client: Pair,
    /// Whether clients must show a certificate that the authority signed.
    ask_clients: bool,
}

impl Identity {
    /// That of a server at `127.0.0.1`.
    pub fn plain() -> Self {
        PLAIN.clone()
    }

    /// That of a server with this name or address.
    pub fn named(name: &str) -> Self {
        Self::valid_until(name, 4096)
    }

    /// That of a server at `127.0.0.1` whose certificate has run out; or this machine's clock is
    /// wrong.
    pub fn expired() -> Self {
        Self::valid_until("127.0.0.1", 2001)
    }

    fn valid_until(name: &str, year: i32) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let signed = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
            Pair {
                certificate: params.signed_by(&key, &issuer).unwrap().pem(),
                key: key.serialize_pem(),
            }
        };
        Self {
            authority,
            server: signed(name),
            client: signed("client"),
            ask_clients: false,
        }
    }

    /// The same, and clients must show a certificate of the same authority.
    #[must_use]
    pub fn asking_clients(mut self) -> Self {
        self.ask_clients = true;
        self
    }

    /// The certificate of whoever signed.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// A certificate for a client, from the same authority.
    pub fn client(&self) -> &Pair {
        &self.client
    }

    /// Takes connections.
    pub fn acceptor(&self, http2: bool) -> TlsAcceptor {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if self.ask_clients {
            let mut roots = RootCertStore::empty();
            let authority = CertificateDer::from_pem_slice(self.authority.as_bytes()).unwrap();
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
