//! The HTTP client of all downloads.

use ureq::http::Uri;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector as _, DefaultConnector};

use super::address::Root;
use super::download::RetryPolicy;
use super::reach::{Guard, is_this_machine};

impl RetryPolicy {
    /// Creates an HTTP client with the policy's time limits, for published addresses, which all use HTTPS, or for the
    /// user's root. Error statuses are returned as responses. A proxy is read from the usual environment
    /// variables, but never used for this machine itself. Redirects from HTTPS to HTTP, or to another private host,
    /// are not followed.
    pub(super) fn client<'a>(
        &self,
        root: Option<&Root>,
        published: impl IntoIterator<Item = &'a str>,
    ) -> ureq::Agent {
        let local = root.is_some_and(|root| is_this_machine(root.host()));
        let proxy = if local { None } else { ureq::Proxy::try_from_env() };
        let guard = Guard::new(
            root.map_or_else(|| hosts(published), |root| vec![root.host().to_owned()]),
            proxy.as_ref().map(|proxy| proxy.uri().clone()),
        );
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .https_only(root.is_none_or(Root::is_https))
            .proxy(proxy)
            .user_agent(concat!("etl/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(self.connect_timeout))
            .timeout_connect(Some(self.connect_timeout))
            .timeout_recv_response(Some(self.read_timeout))
            .timeout_per_read(Some(self.read_timeout))
            .build();
        ureq::Agent::with_parts(config, guard.chain(DefaultConnector::default()), DefaultResolver::default())
    }
}

/// Returns the hosts of addresses.
fn hosts<'a>(urls: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let hosts = urls.into_iter().filter_map(|url| url.parse::<Uri>().ok()?.host().map(str::to_owned));
    let mut hosts: Vec<String> = hosts.collect();
    hosts.sort();
    hosts.dedup();
    hosts
}
