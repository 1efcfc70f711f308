//! What functions find on the network of their environments: the platform under the names of AWS, and hosts outside.

use std::net::SocketAddr;
use std::sync::Arc;

use gateway::Authority;
use outbound::{Egress, Reach};
use sandbox::{Network, Outside};

use crate::cli::{FunctionEgress, PlatformArgs};

/// Domains of AWS whose names stand for the platform: endpoints of services (also the dual-stack ones, and those of China),
/// buckets, and addresses of functions.
const AWS_DOMAINS: [&str; 4] = ["amazonaws.com", "amazonaws.com.cn", "api.aws", "on.aws"];

/// The network of all environments of a platform that listens at `address`.
pub fn network(args: &PlatformArgs, address: SocketAddr, authority: Arc<Authority>) -> Network {
    let egress = args.egress.unwrap_or(if args.verify { FunctionEgress::None } else { FunctionEgress::All });
    let outside = match egress {
        FunctionEgress::None => None,
        FunctionEgress::All => {
            let rules = Egress::new(Reach::Elsewhere, args.egress_allow.clone(), args.egress_forbid.clone());
            Some(Outside { may_reach: Arc::new(move |host| may_reach(&rules, host, address)), nameservers: None })
        }
    };
    Network {
        own_domains: AWS_DOMAINS.map(str::to_owned).to_vec(),
        authority: Some(sandbox::Authority(Arc::new(move || authority.certificate()))),
        outside,
    }
}

/// A network whose functions reach nobody, to see whether they could.
pub fn any() -> Network {
    let outside = Outside { may_reach: Arc::new(|_| false), nameservers: None };
    Network { outside: Some(outside), ..Network::default() }
}

/// This machine is out of reach, unless the operator has named the very address; the platform's own listener always is.
fn may_reach(rules: &Egress, host: SocketAddr, platform: SocketAddr) -> bool {
    if sandbox::is_of_this_machine(host.ip()) {
        return rules.names(host.ip()) && host.port() != platform.port();
    }
    rules.allows(host.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_reached_by_name_of_its_address_alone_and_the_platform_never() {
        let platform: SocketAddr = "127.0.0.1:4566".parse().expect("an address");
        let reaches = |rules: &Egress, host: &str| may_reach(rules, host.parse().expect("an address"), platform);
        let usual = Egress::new(Reach::Elsewhere, vec!["127.0.0.0/8".parse().expect("a network")], Vec::new());
        assert!(!reaches(&usual, "127.0.0.1:80") && reaches(&usual, "192.0.2.1:80"));
        let named = Egress::new(Reach::Elsewhere, vec!["127.0.0.1".parse().expect("a network")], Vec::new());
        assert!(reaches(&named, "127.0.0.1:80") && !reaches(&named, "127.0.0.1:4566"));
    }
}
