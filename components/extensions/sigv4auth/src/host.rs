//! What the name of a host says about the service behind it.

/// Returns the service and the region that a host name tells, if it is one of those that do.
pub(crate) fn service_and_region(host: &str) -> Option<(&'static str, &str)> {
    let (first, rest) = host.split_once('.')?;
    let service = match first {
        _ if first.starts_with("aps-workspaces") => "aps",
        // Domains of OpenSearch.
        _ if first.starts_with("search-") => "es",
        _ if first.starts_with("logs") => "logs",
        _ if first.starts_with("xray") => "xray",
        _ => return None,
    };
    // At other people's hosts the next part of the name is no region.
    let (region, domain) = rest.split_once('.')?;
    let ours = domain.ends_with("amazonaws.com")
        || domain.ends_with("amazonaws.com.cn")
        || domain.ends_with("api.aws");
    (ours && is_region(region)).then_some((service, region))
}

/// Returns true if a text could be the name of a region, which becomes part of host names.
pub(crate) fn is_region(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= 64 && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_four_services_tell_service_and_region() {
        for (host, expected) in [
            (
                "aps-workspaces.eu-central-1.amazonaws.com",
                Some(("aps", "eu-central-1")),
            ),
            (
                "aps-workspaces-fips.us-gov-west-1.amazonaws.com",
                Some(("aps", "us-gov-west-1")),
            ),
            (
                "aps-workspaces.cn-north-1.amazonaws.com.cn",
                Some(("aps", "cn-north-1")),
            ),
            (
                "search-logs-abc.us-west-2.es.amazonaws.com",
                Some(("es", "us-west-2")),
            ),
            ("logs.us-east-1.amazonaws.com", Some(("logs", "us-east-1"))),
            ("xray.us-east-1.amazonaws.com", Some(("xray", "us-east-1"))),
            ("xray.us-east-1.api.aws", Some(("xray", "us-east-1"))),
            ("logs.internal.example", None),
            ("xray", None),
            ("127.0.0.1", None),
            ("aps-workspaces.", None),
        ] {
            assert_eq!(service_and_region(host), expected, "{host}");
        }
    }
}
