//! Restriction of redirects to public addresses and the host of the request.
//!
//! Without it a server could make this machine send requests to addresses that only it can reach, such as its own
//! services, those of its network, or the metadata service of a cloud.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use ureq::http::Uri;
use ureq::unversioned::transport::{ConnectionDetails, Connector};

/// The scope of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// A public address.
    Public,
    /// An address of a private network.
    Private,
    /// An address of this machine or of its link.
    Local,
}

impl Reach {
    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    /// Classifies an address by the registry of special-purpose addresses (RFC 6890).
    fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            [0 | 127, ..] | [169, 254, ..] => Self::Local,
            [10, ..] | [192, 168, ..] | [192, 0, 0, _] | [198, 18 | 19, ..] | [224..=255, ..] => {
                Self::Private
            }
            [172, 16..=31, ..] | [100, 64..=127, ..] => Self::Private,
            _ => Self::Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let embedded = |high: u16, low: u16| {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            Self::of_v4(Ipv4Addr::new(a, b, c, d))
        };
        match address.segments() {
            [0, 0, 0, 0, 0, 0, 0, 0 | 1] | [0xfe80..=0xfebf, ..] => Self::Local,
            // IPv4 addresses embedded in IPv6: mapped, compatible, translated (NAT64) and tunnelled (6to4).
            [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                embedded(high, low)
            }
            [0x2002, high, low, ..] => embedded(high, low),
            [0xfc00..=0xfdff | 0xfec0..=0xfeff | 0xff00..=0xffff, ..] => Self::Private,
            _ => Self::Public,
        }
    }

    /// Returns the nearest scope of a host's addresses.
    fn of_all(addresses: &[IpAddr]) -> Self {
        addresses.iter().copied().map(Self::of).fold(Self::Public, Self::max)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Private => "a private address",
            Self::Local => "an address of this machine",
        }
    }
}

/// Returns the address that a host name states literally.
fn named_address(host: &str) -> Option<IpAddr> {
    let name = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let is_here = name == "localhost" || name.ends_with(".localhost");
    if is_here { Some(Ipv4Addr::LOCALHOST.into()) } else { name.parse().ok() }
}

/// Returns the addresses of a host. If a proxy resolves it, only an address in its name is known.
fn addresses_of(host: &str, found: &[SocketAddr]) -> Vec<IpAddr> {
    let found = found.iter().map(SocketAddr::ip);
    found.chain(named_address(host)).map(|address| address.to_canonical()).collect()
}

/// Whether a host name refers to this machine.
pub(super) fn is_this_machine(host: &str) -> bool {
    named_address(host).is_some_and(|address| Reach::of(address) == Reach::Local)
}

/// Checks every connection before it is made, and refuses redirects to private addresses.
///
/// The check applies to the addresses that are connected to, so a host name cannot resolve to another one in between.
#[derive(Debug)]
pub(super) struct Guard {
    /// Hosts of requests, as named by the user or the catalogue.
    asked: Vec<String>,
    /// Address of the proxy, which may be private.
    proxy: Option<Uri>,
    begun: Mutex<Begun>,
}

/// Addresses of the hosts of requests.
#[derive(Debug, Default)]
struct Begun {
    /// Addresses of the host of the last request.
    addresses: Vec<IpAddr>,
    /// Scope of each host at its first request.
    first: HashMap<String, Reach>,
}

impl Begun {
    /// Whether a redirect may lead to an address. All loopback addresses count as one host.
    fn leads_to(&self, address: IpAddr) -> bool {
        Reach::of(address) == Reach::Public
            || self.addresses.contains(&address)
            || address.is_loopback() && self.addresses.iter().any(IpAddr::is_loopback)
    }
}

/// A redirect that is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it redirects to {host}, {}, which is not followed", .reach.as_str())]
struct Refused {
    host: String,
    reach: Reach,
}

impl Guard {
    /// Creates a guard for requests to these hosts.
    pub(super) fn new(asked: Vec<String>, proxy: Option<Uri>) -> Self {
        Self { asked, proxy, begun: Mutex::default() }
    }

    fn check(&self, uri: &Uri, found: &[SocketAddr]) -> Result<(), Refused> {
        if self.proxy.as_ref() == Some(uri) {
            return Ok(());
        }
        let host = uri.host().unwrap_or_default();
        let addresses = addresses_of(host, found);
        let reach = Reach::of_all(&addresses);
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let is_asked = self.asked.iter().any(|asked| asked.eq_ignore_ascii_case(host));
        let may = if is_asked {
            // A name that resolved to a public address must not resolve to a nearer one later.
            let first = *begun.first.entry(host.to_ascii_lowercase()).or_insert(reach);
            first != Reach::Public || reach == Reach::Public
        } else {
            addresses.iter().all(|address| begun.leads_to(*address))
        };
        if !may {
            return Err(Refused { host: host.to_owned(), reach });
        }
        if is_asked {
            begun.addresses = addresses;
        }
        Ok(())
    }
}

impl Connector for Guard {
    type Out = ();

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<()>, ureq::Error> {
        self.check(details.uri, &details.addrs).map_err(|refused| ureq::Error::Other(Box::new(refused)))?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn reach(address: &str) -> Reach {
        Reach::of(address.parse().unwrap())
    }

    #[test]
    fn addresses_are_public_private_or_of_this_machine() {
        for local in ["127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "::1", "::", "fe80::1"] {
            assert_eq!(reach(local), Reach::Local, "{local}");
        }
        for embedded in ["::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::"] {
            assert_eq!(reach(embedded), Reach::Local, "{embedded}");
        }
        for private in ["10.0.0.1", "172.16.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "fd00::1"] {
            assert_eq!(reach(private), Reach::Private, "{private}");
        }
        for public in ["9.9.9.9", "172.32.0.1", "100.128.0.1", "2620:fe::fe", "64:ff9b::909:909"] {
            assert_eq!(reach(public), Reach::Public, "{public}");
        }
        for here in ["localhost", "LOCALHOST.", "a.localhost", "[::1]", "127.0.0.1"] {
            assert!(is_this_machine(here), "{here}");
        }
        for elsewhere in ["localhost.example.org", "127.0.0.1.example.org", "10.0.0.1"] {
            assert!(!is_this_machine(elsewhere), "{elsewhere}");
        }
    }

    /// Hosts one after the other, each with the address that it turned out to have.
    fn walk(asked: &str, hops: &[(&str, &str)]) -> Result<(), Refused> {
        let guard = Guard::new(vec![asked.to_owned()], Some("http://127.0.0.1:3128".parse().unwrap()));
        hops.iter().try_for_each(|(uri, address)| {
            let addresses: Vec<SocketAddr> =
                address.parse().into_iter().map(|ip| SocketAddr::new(ip, 80)).collect();
            guard.check(&uri.parse().unwrap(), &addresses)
        })
    }

    #[test]
    fn redirects_lead_to_no_other_private_host() {
        let public = ("https://a.test/f", "9.9.9.9");
        for (uri, address) in [
            ("http://127.0.0.1/", "127.0.0.1"),
            ("https://b.test/", "127.0.0.1"),
            ("https://b.test/", "10.0.0.1"),
            ("https://b.test/", "169.254.169.254"),
            // The proxy would look it up.
            ("http://localhost:8080/", ""),
            ("http://[::ffff:10.0.0.1]/", ""),
        ] {
            let refused = walk("a.test", &[public, (uri, address)]).unwrap_err();
            assert!(refused.to_string().contains("not followed"), "{uri}: {refused}");
        }
        for (asked, uri, address) in [
            ("10.0.0.1", "http://b.test/", "127.0.0.1"),
            ("10.0.0.1", "http://b.test/", "10.9.9.9"),
            ("10.0.0.1", "http://192.168.0.1/", "192.168.0.1"),
            ("10.0.0.1", "http://169.254.169.254/x", "169.254.169.254"),
            ("127.0.0.1", "http://169.254.169.254/x", "169.254.169.254"),
            ("127.0.0.1", "http://169.254.169.254/x", ""),
            ("127.0.0.1", "http://[::ffff:169.254.169.254]/x", ""),
            ("127.0.0.1", "http://10.0.0.1/", "10.0.0.1"),
            ("127.0.0.1", "http://0.0.0.0/", "0.0.0.0"),
            ("169.254.1.1", "http://169.254.169.254/x", "169.254.169.254"),
        ] {
            let refused = walk("a.test", &[("http://a.test/f", asked), (uri, address)]).unwrap_err();
            assert!(refused.to_string().contains("not followed"), "{asked} to {uri}: {refused}");
        }
        let again = [public, ("http://a.test:8080/", "127.0.0.1")];
        assert_eq!(walk("a.test", &again).unwrap_err().reach, Reach::Local);
    }

    #[test]
    fn redirects_may_lead_to_public_addresses_and_back() {
        assert_eq!(
            walk("a.test", &[("https://a.test/", "9.9.9.9"), ("https://b.test/", "2620:fe::fe")]),
            Ok(())
        );
        assert_eq!(walk("A.test", &[("http://a.test/", "10.0.0.1"), ("http://b.test/", "10.0.0.1")]), Ok(()));
        assert_eq!(walk("a.test", &[("http://a.test/", "10.0.0.1"), ("http://b.test/", "9.9.9.9")]), Ok(()));
        // A mirror of several hosts under one name.
        assert_eq!(walk("a.test", &[("http://a.test/", "10.0.0.1"), ("http://a.test/", "10.0.0.2")]), Ok(()));
        let here = [("http://127.0.0.1:1/", "127.0.0.1"), ("http://localhost:2/", "127.0.0.1")];
        assert_eq!(walk("127.0.0.1", &here), Ok(()));
        let here = [("http://[::1]:1/", "::1"), ("http://127.0.0.1:2/", "127.0.0.1")];
        assert_eq!(walk("[::1]", &here), Ok(()));
        // Where the names of publishers are answered for by a mirror of the network.
        assert_eq!(walk("a.test", &[("https://a.test/", "10.0.0.1")]), Ok(()));
        let by_proxy =
            [("https://a.test/", ""), ("http://127.0.0.1:3128/", "127.0.0.1"), ("https://b.test/", "")];
        assert_eq!(walk("a.test", &by_proxy), Ok(()));
    }
}
