// The page, the stream of events, and what operators and their tools ask.
#include <Poco/InflatingStream.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "embedded/page_files.h"
#include "web/event_hub.h"
#include "web/metrics.h"
#include "web/problem.h"
#include "web/routes.h"

namespace bizond::handlers {
namespace {

using nlohmann::json;

constexpr size_t kAcceptBytesMax = 512;

struct FileType {
  std::string_view ending;
  std::string_view type;
};
constexpr FileType kFileTypes[] = {{".html", "text/html; charset=utf-8"},
                                   {".js", "text/javascript; charset=utf-8"},
                                   {".css", "text/css; charset=utf-8"},
                                   {".svg", "image/svg+xml"},
                                   {".png", "image/png"}};

std::string_view TypeOf(std::string_view path) {
  for (const auto& [ending, type] : kFileTypes) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

// Whether Accept-Encoding lists gzip and does not weigh it zero (RFC 9110, 12.5.3).
bool TakesGzip(const WebRequest& request) {
  const std::string* const header = request.Header("Accept-Encoding");
  if (header == nullptr) return false;
  static const std::regex kGzip(R"((^|[\s,])(x-)?gzip\s*(,|$|;\s*q=(1|0?\.\d*[1-9])))",
                                std::regex::icase);
  return header->size() <= kAcceptBytesMax && std::regex_search(*header, kGzip);
}

std::string Gunzipped(std::string_view bytes) {
  std::istringstream compressed{std::string(bytes)};
  Poco::InflatingInputStream plain(compressed, Poco::InflatingStreamBuf::STREAM_GZIP);
  return {std::istreambuf_iterator<char>(plain), {}};
}

// The page is kept compressed, and every browser takes it so.
Result<WebResponse> PageFile(const WebRequest& request, const std::string& path,
                             std::string_view cache_control) {
  const auto files = embedded::page_files();
  const auto file = std::find_if(files.begin(), files.end(), [&](const EmbeddedFile& each) {
    return each.path == path + ".gz";
  });
  if (file == files.end()) {
    return Problem(404, "not_found", "There is no file " + path + ".", "The page is at /.");
  }
  WebResponse response;
  response.content_type = TypeOf(path);
  response.headers = {{"Cache-Control", std::string(cache_control)}, {"Vary", "Accept-Encoding"}};
  if (TakesGzip(request)) {
    response.body = file->bytes;
    response.headers.emplace_back("Content-Encoding", "gzip");
  } else {
    response.body = Gunzipped(file->bytes);
  }
  return response;
}

}  // namespace

Result<WebResponse> StreamEvents(const WebParts& parts, const WebRequest& request) {
  WebResponse response;
  BIZOND_ASSIGN_OR_RETURN(response.stream, parts.events->Open(request.Header("Last-Event-ID")));
  response.content_type = "text/event-stream";
  // Proxies that gather an answer before they pass it on would hold events back.
  response.headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  return response;
}

Result<WebResponse> GetIndex(const WebParts&, const WebRequest& request) {
  return PageFile(request, "index.html", "no-cache");
}

// Names hold a hash of the content.
Result<WebResponse> GetAsset(const WebParts&, const WebRequest& request) {
  return PageFile(request, "assets/" + request.names.at(0), "public, max-age=31536000, immutable");
}

Result<WebResponse> Healthy(const WebParts&, const WebRequest&) {
  return JsonResponse({{"status", "ok"}});
}

Result<WebResponse> Ready(const WebParts& parts, const WebRequest&) {
  const StoreHealth health = parts.store->Health();
  if (!health.ok) {
    return Problem(503, "store_unavailable", health.problem, "bizond doctor says more");
  }
  if (parts.scheduler != nullptr && !parts.scheduler->Ready()) {
    return Problem(503, "scheduler_not_ready", "The scheduler does not turn.",
                   "It starts within a second of the daemon; after that its log says why.");
  }
  return JsonResponse({{"status", "ok"}});
}

Result<WebResponse> GetMetrics(const WebParts& parts, const WebRequest&) {
  WebResponse response;
  BIZOND_ASSIGN_OR_RETURN(response.body, MetricsText(parts));
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return response;
}

Result<WebResponse> GetOpenApi(const WebParts&, const WebRequest&) {
  static const std::string document = OpenApiDocument();
  WebResponse response;
  response.content_type = "application/json";
  response.body = document;
  return response;
}

}  // namespace bizond::handlers
