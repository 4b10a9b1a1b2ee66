#include "base/address_guard.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/text.h"

namespace bizond {
namespace {

struct SpecialRange {
  std::string_view range;
  std::string_view use;
};

// IANA's registries of special-purpose addresses, and what clouds answer on beside them.
constexpr SpecialRange kSpecialIpv4[] = {
    {"0.0.0.0/8", "unspecified"},        {"10.0.0.0/8", "private"},
    {"100.64.0.0/10", "shared (CGNAT)"}, {"127.0.0.0/8", "loopback"},
    {"168.63.129.16/32", "link-local"},  // Azure's platform, on a public address.
    {"169.254.0.0/16", "link-local"},    {"172.16.0.0/12", "private"},
    {"192.0.0.0/24", "reserved"},        {"192.0.2.0/24", "documentation"},
    {"192.88.99.0/24", "reserved"},      {"192.168.0.0/16", "private"},
    {"198.18.0.0/15", "benchmark"},      {"198.51.100.0/24", "documentation"},
    {"203.0.113.0/24", "documentation"}, {"224.0.0.0/4", "multicast"},
    {"240.0.0.0/4", "reserved"},
};

// The first that holds is taken.
constexpr SpecialRange kSpecialIpv6[] = {
    {"::/128", "unspecified"},
    {"::1/128", "loopback"},
    {"64:ff9b:1::/48", "local NAT64"},
    {"::/8", "reserved"},  // What carries an IPv4 address was looked at before.
    {"2001::/32", "Teredo"},
    {"2001::/23", "reserved"},
    {"2001:db8::/32", "documentation"},
    {"3fff::/20", "documentation"},
    {"fc00::/7", "unique local"},
    {"fe80::/10", "link-local"},
    {"fec0::/10", "site-local"},
    {"ff00::/8", "multicast"},
};

// Where the four bytes of an IPv4 address stand in an IPv6 one that leads to it.
struct Carrier {
  std::string_view range;
  size_t offset;
};
constexpr Carrier kCarriers[] = {
    {"::ffff:0:0/96", 12},    // Mapped.
    {"::ffff:0:0:0/96", 12},  // Translated (SIIT).
    {"64:ff9b::/96", 12},     // NAT64.
    {"2002::/16", 2},         // 6to4.
};

struct Tables {
  std::vector<std::pair<IpRange, std::string_view>> ipv4;
  std::vector<std::pair<IpRange, std::string_view>> ipv6;
  std::vector<std::pair<IpRange, size_t>> carriers;

  Tables() {
    for (const SpecialRange& row : kSpecialIpv4)
      ipv4.emplace_back(*ParseIpRange(row.range), row.use);
    for (const SpecialRange& row : kSpecialIpv6)
      ipv6.emplace_back(*ParseIpRange(row.range), row.use);
    for (const Carrier& row : kCarriers)
      carriers.emplace_back(*ParseIpRange(row.range), row.offset);
  }
};

const Tables& AllTables() {
  static const Tables tables;
  return tables;
}

IpAddress Mapped(const void* four_bytes) {
  IpAddress address{};
  address[10] = address[11] = 0xff;
  std::memcpy(&address[12], four_bytes, 4);
  return address;
}

bool IsMapped(const IpAddress& address) {
  constexpr IpRange kMapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
  return kMapped.Contains(address);
}

std::string_view UseOfIpv4(const IpAddress& mapped) {
  for (const auto& [range, use] : AllTables().ipv4) {
    if (range.Contains(mapped)) return use;
  }
  return "";
}

// ISATAP hides an IPv4 address in the second half, under any prefix (RFC 5214).
bool IsIsatap(const IpAddress& address) {
  return (address[8] & 0xfc) == 0 && address[9] == 0 && address[10] == 0x5e && address[11] == 0xfe;
}

std::optional<int> ParseNumber(std::string_view text, int max) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 || number > max ||
      text.front() == '-') {
    return std::nullopt;
  }
  return number;
}

// As names are compared: in lower case, without the dot that ends an absolute one.
std::string FoldHost(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return FoldCase(host);
}

bool IsHostName(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.';
  });
}

Failure Refused(std::string_view host, const std::string& address, uint16_t port,
                std::string_view use) {
  return Fail(
      ErrorKind::kPermanent, "address_refused",
      fmt::format("{} leads to {} port {} ({} address)", EscapeControls(host), address, port, use),
      "connectors reach public addresses only; whoever runs bizond can allow others");
}

}  // namespace

std::optional<IpAddress> ParseIpAddress(std::string_view text) {
  if (text.size() > 2 && text.starts_with('[') && text.ends_with(']')) {
    text = text.substr(1, text.size() - 2);
  }
  const std::string copy(text.substr(0, text.find('%')));
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  in_addr four{};
  if (inet_pton(AF_INET, copy.c_str(), &four) == 1) return Mapped(&four);
  IpAddress six{};
  if (inet_pton(AF_INET6, copy.c_str(), six.data()) == 1) return six;
  return std::nullopt;
}

std::optional<IpAddress> IpAddressOf(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, address, sizeof four);
    return Mapped(&four.sin_addr);
  }
  if (address->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 six{};
  std::memcpy(&six, address, sizeof six);
  IpAddress copy{};
  std::memcpy(copy.data(), &six.sin6_addr, copy.size());
  return copy;
}

uint16_t PortOf(const sockaddr* address) {
  // The port is at the same place for both families.
  sockaddr_in four{};
  std::memcpy(&four, address, sizeof four);
  return ntohs(four.sin_port);
}

std::string FormatIpAddress(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (IsMapped(address)) {
    inet_ntop(AF_INET, &address[12], text, sizeof text);
  } else {
    inet_ntop(AF_INET6, address.data(), text, sizeof text);
  }
  return text;
}

bool IpRange::Contains(const IpAddress& address) const {
  for (int i = 0; i < prefix_bits; ++i) {
    const auto byte = static_cast<size_t>(i / 8);
    const int bit = 0x80 >> (i % 8);
    if ((first[byte] & bit) != (address[byte] & bit)) return false;
  }
  return true;
}

std::optional<IpRange> ParseIpRange(std::string_view text) {
  const size_t slash = text.find('/');
  const std::optional<IpAddress> first = ParseIpAddress(text.substr(0, slash));
  if (!first) return std::nullopt;
  if (slash == std::string_view::npos) return IpRange{*first, 128};
  const bool dotted = text.substr(0, slash).find(':') == std::string_view::npos;
  const std::string_view digits = text.substr(slash + 1);
  if (digits.empty()) return std::nullopt;
  const std::optional<int> bits = ParseNumber(digits, dotted ? 32 : 128);
  if (!bits) return std::nullopt;
  return IpRange{*first, dotted ? 96 + *bits : *bits};
}

std::string_view SpecialUseOf(const IpAddress& address) {
  for (const auto& [range, offset] : AllTables().carriers) {
    if (range.Contains(address)) return UseOfIpv4(Mapped(&address[offset]));
  }
  for (const auto& [range, use] : AllTables().ipv6) {
    if (range.Contains(address)) return use;
  }
  if ((address[0] & 0xe0) != 0x20) return "reserved";  // Only 2000::/3 is routed.
  return IsIsatap(address) ? UseOfIpv4(Mapped(&address[12])) : std::string_view();
}

std::optional<AddressGuard::Entry> AddressGuard::ParseEntry(std::string_view text) {
  Entry entry;
  if (const std::optional<IpRange> range = ParseIpRange(text)) {
    entry.range = *range;
    return entry;
  }
  if (const size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    const std::string_view digits = text.substr(colon + 1);
    const std::optional<int> port = digits.empty() ? std::nullopt : ParseNumber(digits, 65535);
    if (!port || *port == 0) return std::nullopt;
    entry.port = static_cast<uint16_t>(*port);
    text = text.substr(0, colon);
  }
  if (const std::optional<IpAddress> address = ParseIpAddress(text)) {
    // Without brackets nobody could say where an IPv6 address ends and its port begins.
    if (text.find(':') != std::string_view::npos && !text.starts_with('[')) return std::nullopt;
    entry.range = {*address, 128};
    return entry;
  }
  entry.name = FoldHost(text);
  // A name of digits is an address that is written wrong.
  const bool names =
      IsHostName(entry.name) && entry.name.find_first_not_of("0123456789.") != std::string::npos;
  return names ? std::optional(entry) : std::nullopt;
}

Result<AddressGuard> AddressGuard::Allowing(std::span<const std::string> entries) {
  AddressGuard guard;
  for (const std::string& text : entries) {
    const std::optional<Entry> entry = ParseEntry(text);
    if (!entry) {
      return Fail(
          ErrorKind::kConfig, "bad_allowed_address",
          fmt::format("'{}' is neither a host, a host:port nor a CIDR", EscapeControls(text)),
          "write it as db.internal, db.internal:8443, 10.1.2.3, [fd00::1]:8443 or "
          "10.0.0.0/8");
    }
    guard.allowed_.push_back(*entry);
  }
  return guard;
}

bool AddressGuard::AllowsName(std::string_view host, uint16_t port) const {
  const std::string folded = FoldHost(host);
  return std::any_of(allowed_.begin(), allowed_.end(), [&](const Entry& entry) {
    return !entry.name.empty() && entry.name == folded && (entry.port == 0 || entry.port == port);
  });
}

Status AddressGuard::Check(std::string_view host, const IpAddress& address, uint16_t port) const {
  const std::string_view use = SpecialUseOf(address);
  if (use.empty() || AllowsName(host, port)) return {};
  const bool allowed = std::any_of(allowed_.begin(), allowed_.end(), [&](const Entry& entry) {
    return entry.name.empty() && entry.range.Contains(address) &&
           (entry.port == 0 || entry.port == port);
  });
  if (allowed) return {};
  return Refused(host, FormatIpAddress(address), port, use);
}

Status AddressGuard::CheckUnresolved(std::string_view host, uint16_t port) const {
  if (const std::optional<IpAddress> address = ParseIpAddress(host)) {
    return Check(host, *address, port);
  }
  const std::string folded = FoldHost(host);
  const bool loopback = folded == "localhost" || folded.ends_with(".localhost");
  if (!loopback || AllowsName(host, port)) return {};
  return Refused(host, folded, port, "loopback");
}

}  // namespace bizond
