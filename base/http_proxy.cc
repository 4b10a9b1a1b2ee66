#include "base/http_proxy.h"

#include <cstdlib>
#include <initializer_list>
#include <string_view>

#include "base/address_guard.h"
#include "base/text.h"

namespace bizond {
namespace {

std::string FirstOf(std::initializer_list<const char*> names) {
  for (const char* const name : names) {
    const char* const value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return "";
}

bool IsBelow(std::string_view host, std::string_view domain) {
  if (domain.starts_with("*.")) domain.remove_prefix(1);
  if (domain.starts_with('.')) domain.remove_prefix(1);
  if (domain.ends_with('.')) domain.remove_suffix(1);
  if (host.ends_with('.')) host.remove_suffix(1);
  if (domain.empty() || !host.ends_with(domain)) return false;
  return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
}

bool Matches(std::string_view entry, const HttpTarget& target) {
  if (entry == "*") return true;
  const std::optional<IpAddress> address = ParseIpAddress(target.host);
  if (const std::optional<IpRange> range = ParseIpRange(entry)) {
    return address && range->Contains(*address);
  }
  const size_t colon = entry.rfind(':');
  if (colon != std::string_view::npos) {
    if (entry.substr(colon + 1) != std::to_string(target.port)) return false;
    entry = entry.substr(0, colon);
    if (const std::optional<IpAddress> alone = ParseIpAddress(entry)) return address == alone;
  }
  return !address && IsBelow(target.host, FoldCase(entry));
}

}  // namespace

HttpProxies HttpProxies::FromEnvironment() {
  return {FirstOf({"http_proxy", "all_proxy", "ALL_PROXY"}),
          FirstOf({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}),
          FirstOf({"no_proxy", "NO_PROXY"})};
}

const std::string& HttpProxies::For(const HttpTarget& target) const {
  static const std::string direct;
  const std::string& proxy = target.scheme == "https" ? https : http;
  if (proxy.empty() || target.IsLoopback()) return direct;
  const std::string_view list = none;
  constexpr std::string_view kSeparators = ", \t";
  for (size_t at = 0; (at = list.find_first_not_of(kSeparators, at)) != std::string_view::npos;) {
    const size_t end = std::min(list.find_first_of(kSeparators, at), list.size());
    if (Matches(list.substr(at, end - at), target)) return direct;
    at = end;
  }
  return proxy;
}

}  // namespace bizond
