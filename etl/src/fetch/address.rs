//! The HTTP root that a user gives to replace the published addresses.

use std::fmt::Display;

use ureq::http::Uri;

use super::FetchError;

/// Schemes that an address may have.
const SCHEMES: [&str; 2] = ["http://", "https://"];

/// Base URL of downloads. Its user name and password are sent to the server, but never written to a message or
/// receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    /// The address without user name, password and trailing slash.
    url: String,
    host: String,
    userinfo: Option<String>,
}

impl Root {
    /// Parses an address.
    ///
    /// # Errors
    /// Returns [`FetchError::BadBaseUrl`] if it is not a valid HTTP address.
    pub(super) fn parse(text: &str) -> Result<Self, FetchError> {
        let bad = |problem| FetchError::BadBaseUrl { url: without_userinfo(text), problem };
        let (scheme, rest) = SCHEMES
            .into_iter()
            .find_map(|scheme| Some((scheme, text.strip_prefix(scheme)?)))
            .ok_or_else(|| bad("starts with neither http:// nor https://"))?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if path.contains(['?', '#']) {
            return Err(bad("has a query, behind which no file can be named"));
        }
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo.to_owned()), host),
            None => (None, authority),
        };
        let behind_colon = host.rsplit_once(']').map_or(host, |(_, behind)| behind).split_once(':');
        if behind_colon.is_some_and(|(_, port)| port.parse::<u16>().is_err()) {
            return Err(bad("names no port behind its colon"));
        }
        // User name and password are removed before parsing, because they may contain characters that are invalid in
        // an address.
        let uri: Uri = text.parse().map_err(|_| bad("is no address"))?;
        let named = uri.host().filter(|named| !named.is_empty()).ok_or_else(|| bad("names no host"))?;
        Ok(Self {
            url: format!("{scheme}{host}{}", path.trim_end_matches('/')),
            host: named.to_owned(),
            userinfo,
        })
    }

    /// Returns the address of a path under the root, without user name and password.
    pub(super) fn join(&self, path: impl Display) -> String {
        format!("{}/{path}", self.url)
    }

    /// Returns the host as written in the address.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the user name and password as written in the address.
    pub(super) fn userinfo(&self) -> Option<&str> {
        self.userinfo.as_deref()
    }

    /// Whether the address requires HTTPS.
    pub(super) fn is_https(&self) -> bool {
        self.url.starts_with("https://")
    }
}

/// Removes anything that may be a user name and password from an address, even an invalid one.
fn without_userinfo(text: &str) -> String {
    let Some((before, after)) = text.rsplit_once('@') else { return text.to_owned() };
    let scheme = before.find("://").map_or("", |at| before.split_at(at + "://".len()).0);
    format!("{scheme}{after}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_root_is_said_without_name_and_password() {
        let root = Root::parse("https://me:s3cret@mirror.test:8443/db/").unwrap();
        assert_eq!(root.join("oqmd"), "https://mirror.test:8443/db/oqmd");
        assert_eq!((root.host(), root.userinfo()), ("mirror.test", Some("me:s3cret")));
        assert!(root.is_https());
        let plain = Root::parse("http://[::1]:80").unwrap();
        assert_eq!((plain.host(), plain.userinfo(), plain.is_https()), ("[::1]", None, false));
    }

    #[test]
    fn a_wrong_root_is_refused_without_name_and_password() {
        for text in [
            "ftp://me:s3cret@mirror.test",
            "me:s3cret@mirror.test/db",
            "https://me:s3/cret@mirror.test",
            "https://me:s3 cret@mirror.test",
            "https://me:s3cret@",
            "https://me:s3cret@mirror.test/db?key=1",
        ] {
            let message = Root::parse(text).unwrap_err().to_string();
            assert!(message.starts_with("base URL ") && !message.contains("cret"), "{message}");
        }
        let message = Root::parse("ftp://example.org").unwrap_err().to_string();
        assert!(message.contains("\"ftp://example.org\""), "{message}");
    }
}
