//! TLS as every connection of the daemon uses it: rustls with one provider, the system's
//! authorities or the one that the configuration names.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::ConfigVerifierExt as _;

/// A TLS configuration can't be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The authority's file.
    #[error("{} holds no certificate of an authority", path.display())]
    Authority {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The system's authorities.
    #[error("the system's certificate authorities can't be used")]
    System(#[from] rustls::Error),
}

/// Names the provider once for the process; later calls change nothing.
pub(crate) fn provider() {
    // An error says that it was named before, which is what this is for.
    let _named_before = rustls::crypto::ring::default_provider().install_default();
}

/// How the broker's certificate is checked.
pub(crate) fn client_config(authority: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    provider();
    let Some(path) = authority else {
        return Ok(Arc::new(ClientConfig::with_platform_verifier()?));
    };
    let error = |source: Box<dyn std::error::Error + Send + Sync>| TlsError::Authority {
        path: path.to_owned(),
        source,
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|it| error(Box::new(it)))? {
        let certificate = certificate.map_err(|it| error(Box::new(it)))?;
        roots.add(certificate).map_err(|it| error(Box::new(it)))?;
    }
    if roots.is_empty() {
        return Err(error("it is empty".into()));
    }
    let builder = ClientConfig::builder().with_root_certificates(roots);
    Ok(Arc::new(builder.with_no_client_auth()))
}
