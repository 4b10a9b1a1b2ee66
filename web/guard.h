// Guard: whom the server answers at all.
//
// In this order: the Host header is one of ours (a page of another name that resolves to this
// address gets nothing: DNS rebinding), a request that changes something comes from our own page or
// from a program (cross-site request forgery), and the token is right where one is set.
//
// Threads: constant after construction; Check may be called from any.
#ifndef BIZOND_WEB_GUARD_H_
#define BIZOND_WEB_GUARD_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "web/http_types.h"

namespace bizond {

// 127.0.0.0/8, ::1 and localhost.
bool IsLoopback(std::string_view host);

class Guard {
 public:
  Guard(std::string_view bind_host, const std::vector<std::string>& allowed_hosts,
        std::vector<std::string> tokens);

  // The refusal: 400, 401, 403 or 421.
  std::optional<WebResponse> Check(const WebRequest& request, bool needs_token) const;

 private:
  bool IsOurHost(std::string_view host) const;
  std::optional<WebResponse> CheckHost(const WebRequest& request) const;
  static std::optional<WebResponse> CheckOrigin(const WebRequest& request);
  std::optional<WebResponse> CheckToken(const WebRequest& request) const;

  std::vector<std::string> hosts_;
  bool any_address_;  // Bound beyond the loopback: an address by number cannot be rebound.
  const std::vector<std::string> tokens_;
};

}  // namespace bizond

#endif  // BIZOND_WEB_GUARD_H_
