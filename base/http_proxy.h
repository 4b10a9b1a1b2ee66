// Which proxy a request goes through: http_proxy, https_proxy, all_proxy and no_proxy.
//
// Decided here and not by libcurl, because an AddressGuard must know whether the address that is
// connected to is the URL's host or the proxy. The names are taken in lower case first, then in
// upper case, but for HTTP_PROXY, which a CGI script's client can set. A loopback is never asked
// for through a proxy.
//
// Threads: immutable; Read must not run while another thread changes the environment.
#ifndef BIZOND_BASE_HTTP_PROXY_H_
#define BIZOND_BASE_HTTP_PROXY_H_

#include <string>

#include "base/http_url.h"

namespace bizond {

struct HttpProxies {
  std::string http;
  std::string https;
  // Separated by commas or blanks: *, names (with all below them), addresses, CIDRs, each of the
  // names and addresses with or without a port.
  std::string none;

  static HttpProxies FromEnvironment();

  // "": none.
  const std::string& For(const HttpTarget& target) const;
};

}  // namespace bizond

#endif  // BIZOND_BASE_HTTP_PROXY_H_
