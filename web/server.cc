#include "web/server.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "web/event_hub.h"
#include "web/guard.h"
#include "web/problem.h"
#include "web/transport.h"

namespace bizond {
namespace {

// On every answer. The page needs no more than its own files and its own API.
std::vector<std::pair<std::string, std::string>> SecurityHeaders() {
  return {{"Content-Security-Policy",
           "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
           "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
          {"X-Content-Type-Options", "nosniff"},
          {"X-Frame-Options", "DENY"},
          {"Referrer-Policy", "no-referrer"},
          {"Cross-Origin-Opener-Policy", "same-origin"},
          {"Cross-Origin-Resource-Policy", "same-origin"}};
}

// "application/yaml; charset=utf-8" is application/yaml.
std::string_view MediaType(std::string_view header) {
  header = header.substr(0, header.find(';'));
  while (!header.empty() && header.back() == ' ') header.remove_suffix(1);
  return header;
}

constexpr std::array<std::string_view, 5> kJobTypes = {
    "application/json", "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"};

bool HasBody(const WebRequest& request) {
  const std::string* const length = request.Header("Content-Length");
  return (length != nullptr && *length != "0") || request.Header("Transfer-Encoding") != nullptr;
}

std::optional<WebResponse> CheckMediaType(const WebRequest& request, BodyKind body) {
  if (body == BodyKind::kNone || !HasBody(request)) return std::nullopt;
  const std::string* const header = request.Header("Content-Type");
  const std::string_view type = header == nullptr ? std::string_view() : MediaType(*header);
  const auto accepted = body == BodyKind::kJob ? std::span<const std::string_view>(kJobTypes)
                                               : std::span(kJobTypes).first(1);
  const auto same = [&](std::string_view known) { return EqualsIgnoreCase(known, type); };
  if (std::any_of(accepted.begin(), accepted.end(), same)) return std::nullopt;
  return Problem(415, "unsupported_media_type",
                 type.empty() ? "The body has no Content-Type."
                              : "The body is sent as " + std::string(type) + ".",
                 body == BodyKind::kJob ? "Send application/json or application/yaml."
                                        : "Send application/json.");
}

struct StatusDetail {
  int status;
  std::string_view code;
  std::string_view detail;
};
constexpr StatusDetail kTransportFailures[] = {
    {400, "bad_request", "The request is malformed."},
    {408, "request_timeout", "The request did not arrive in time."},
    {413, "body_too_large", "The body is larger than 1 MiB."},
    {414, "uri_too_long", "The address is longer than 8 KiB."},
    {431, "headers_too_large", "The headers are larger than 16 KiB."},
    {500, "internal_error", "A promise of the daemon's own was broken; its log says more."},
};

WebResponse TransportFailure(int status, std::string_view detail) {
  for (const StatusDetail& row : kTransportFailures) {
    if (row.status != status) continue;
    return Problem(status, row.code, std::string(detail.empty() ? row.detail : detail), "");
  }
  return Problem(status, "bad_request", std::string(detail), "");
}

}  // namespace

struct WebServer::Impl {
  Impl(WebParts parts_in, WebOptions options_in)
      : options(std::move(options_in)),
        parts(parts_in),
        events(parts.store, parts.control, parts.clock),
        guard(options.host, options.allowed_hosts,
              options.token.empty() ? std::vector<std::string>()
                                    : std::vector<std::string>{options.token}),
        transport(parts.clock,
                  {[this](WebRequest& request) { return Admit(request); },
                   [this](WebRequest& request) { return Handle(request, FindRoute(request)); },
                   TransportFailure},
                  SecurityHeaders()) {
    parts.events = &events;
  }

  static RouteMatch FindRoute(WebRequest& request) {
    RouteMatch match = bizond::FindRoute(request.method, request.path);
    request.names = match.names;
    return match;
  }

  // What has no body is answered at once.
  std::optional<WebResponse> Admit(WebRequest& request) const {
    const RouteMatch match = FindRoute(request);
    if (auto refused = guard.Check(request, match.route == nullptr || !match.route->open)) {
      return refused;
    }
    if (match.route == nullptr) return NoRoute(request, match);
    if (auto refused = CheckMediaType(request, match.route->body)) return refused;
    if (match.route->method != "GET") return std::nullopt;
    return Handle(request, match);
  }

  static WebResponse NoRoute(const WebRequest& request, const RouteMatch& match) {
    if (match.allow.empty()) {
      return Problem(404, "not_found", "There is nothing at " + request.path + ".",
                     "/openapi.json lists what there is.");
    }
    WebResponse response =
        Problem(405, "method_not_allowed", request.path + " takes no " + request.method + ".",
                "It takes: " + match.allow + ".");
    response.headers.emplace_back("Allow", match.allow);
    return response;
  }

  WebResponse Handle(const WebRequest& request, const RouteMatch& match) const {
    if (match.route == nullptr) return NoRoute(request, match);
    Result<WebResponse> response = match.route->handler(parts, request);
    return response ? std::move(*response) : Problem(response.error());
  }

  const WebOptions options;
  WebParts parts;
  EventHub events;
  const Guard guard;
  Transport transport;
  bool started = false;
};

WebServer::WebServer(WebParts parts, WebOptions options)
    : impl_(std::make_unique<Impl>(parts, std::move(options))) {}

WebServer::~WebServer() { Stop(); }

Status WebServer::Start() {
  if (!IsLoopback(impl_->options.host) && impl_->options.token.empty()) {
    return Fail(ErrorKind::kConfig, "token_required",
                impl_->options.host + " can be reached from other machines, and no token is set",
                "set BIZOND_TOKEN to a secret of your own, or listen on 127.0.0.1");
  }
  BIZOND_RETURN_IF_ERROR(impl_->transport.Start(impl_->options.host, impl_->options.port));
  impl_->started = true;
  impl_->parts.store->OnEvent([events = &impl_->events] { events->Wake(); });
  return {};
}

void WebServer::Stop() {
  if (!impl_->started) return;
  impl_->started = false;
  impl_->parts.store->OnEvent(nullptr);
  impl_->events.Close();
  impl_->transport.Stop();
}

int WebServer::port() const { return impl_->transport.port(); }
void WebServer::Progress(const LiveRun& live) { impl_->events.Progress(live); }

}  // namespace bizond
