//! Parses image references.

/// The default registry.
const DEFAULT: &str = "docker.io";

/// Returns the registry of an image reference. The first part of a name is a registry if it looks
/// like a host: it has a dot or a port, or is `localhost`
/// (<https://github.com/distribution/reference/blob/main/normalize.go>, `splitDockerDomain`).
pub fn registry(image: &str) -> &str {
    let Some((first, _)) = image.split_once('/') else {
        return DEFAULT;
    };
    let is_host = first.contains(['.', ':']) || first == "localhost";
    match first {
        "index.docker.io" => DEFAULT,
        host if is_host => host,
        _ => DEFAULT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinguishes_registries_from_repositories() {
        for (image, expected) in [
            ("nginx", "docker.io"),
            ("nginx:1.27", "docker.io"),
            ("library/nginx", "docker.io"),
            ("index.docker.io/library/nginx", "docker.io"),
            ("ghcr.io/shop/cart@sha256:00", "ghcr.io"),
            ("localhost/cart", "localhost"),
            ("registry:5000/cart:1", "registry:5000"),
        ] {
            assert_eq!(registry(image), expected, "{image}");
        }
    }
}
