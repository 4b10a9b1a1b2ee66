#include "web/guard.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/identity.h"
#include "web/problem.h"

namespace bizond {
namespace {

// "[::1]:8787" is "::1", "localhost:80" is "localhost".
std::string_view WithoutPort(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    return end == std::string_view::npos ? host : host.substr(1, end - 1);
  }
  const size_t colon = host.find(':');
  if (colon != host.rfind(':')) return host;  // A bare IPv6 address.
  return host.substr(0, colon);
}

bool IsAddress(std::string_view host) {
  in6_addr address;
  const std::string text(host);
  return inet_pton(AF_INET, text.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

bool IsUnsafe(std::string_view method) { return method != "GET" && method != "HEAD"; }

}  // namespace

bool IsLoopback(std::string_view host) {
  const std::string text(WithoutPort(host));
  in_addr v4;
  in6_addr v6;
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  if (inet_pton(AF_INET6, text.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return EqualsIgnoreCase(text, "localhost");
}

Guard::Guard(std::string_view bind_host, const std::vector<std::string>& allowed_hosts,
             std::vector<std::string> tokens)
    : hosts_{"localhost", "127.0.0.1", "::1"},
      any_address_(!IsLoopback(bind_host)),
      tokens_(std::move(tokens)) {
  hosts_.emplace_back(WithoutPort(bind_host));
  for (const std::string& host : allowed_hosts) hosts_.emplace_back(WithoutPort(host));
}

std::optional<WebResponse> Guard::Check(const WebRequest& request, bool needs_token) const {
  if (auto refused = CheckHost(request)) return refused;
  if (auto refused = CheckOrigin(request)) return refused;
  return needs_token ? CheckToken(request) : std::nullopt;
}

bool Guard::IsOurHost(std::string_view host) const {
  const std::string_view name = WithoutPort(host);
  if (any_address_ && IsAddress(name)) return true;
  return std::any_of(hosts_.begin(), hosts_.end(),
                     [&](const std::string& ours) { return EqualsIgnoreCase(ours, name); });
}

std::optional<WebResponse> Guard::CheckHost(const WebRequest& request) const {
  const auto is_host = [](const auto& header) { return EqualsIgnoreCase(header.first, "Host"); };
  if (std::count_if(request.headers.begin(), request.headers.end(), is_host) != 1) {
    return Problem(400, "bad_request", "A request has exactly one Host header.", "");
  }
  const std::string& host = *request.Header("Host");
  if (IsOurHost(host)) return std::nullopt;
  return Problem(421, "unknown_host", fmt::format("This server is not known as {}.", host),
                 "use the address it listens on, or add this one to allowed_hosts of --config");
}

std::optional<WebResponse> Guard::CheckOrigin(const WebRequest& request) {
  if (!IsUnsafe(request.method)) return std::nullopt;
  bool ours = true;
  if (const std::string* site = request.Header("Sec-Fetch-Site")) {
    ours = *site == "same-origin" || *site == "none";
  } else if (const std::string* origin = request.Header("Origin")) {
    const size_t scheme = origin->find("://");
    ours = scheme != std::string::npos &&
           EqualsIgnoreCase(std::string_view(*origin).substr(scheme + 3), *request.Header("Host"));
  }
  if (ours) return std::nullopt;
  return Problem(403, "cross_site", "A page of another site asked for this.",
                 "use the page of this server, or a program that sends no Origin");
}

std::optional<WebResponse> Guard::CheckToken(const WebRequest& request) const {
  if (tokens_.empty()) return std::nullopt;
  constexpr std::string_view kScheme = "Bearer ";
  if (const std::string* sent = request.Header("Authorization");
      sent != nullptr && sent->size() > kScheme.size() &&
      EqualsIgnoreCase(std::string_view(*sent).substr(0, kScheme.size()), kScheme)) {
    const std::string_view token = std::string_view(*sent).substr(kScheme.size());
    bool known = false;
    for (const std::string& one : tokens_) known |= EqualSecrets(one, token);
    if (known) return std::nullopt;
  }
  WebResponse refused = Problem(401, "unauthorized", "A token is needed, and this is not one.",
                                "send Authorization: Bearer TOKEN ($BIZOND_TOKEN of the server)");
  refused.headers.emplace_back("WWW-Authenticate", "Bearer");
  return refused;
}

}  // namespace bizond
