// What passes between the transport and the routes: one request, one response.
//
// The routes know nothing of the HTTP library; only transport.cc does.
//
// Threads: values; one request belongs to one thread.
#ifndef BIZOND_WEB_HTTP_TYPES_H_
#define BIZOND_WEB_HTTP_TYPES_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bizond {

struct WebRequest {
  std::string method;
  std::string path;                // As sent, still percent-encoded, without the query.
  std::vector<std::string> names;  // What the pattern's {…} stand for, decoded, in order.
  std::vector<std::pair<std::string, std::string>> query;    // Decoded, in order.
  std::vector<std::pair<std::string, std::string>> headers;  // As sent, in any order.
  std::string body;

  // The first value; nullptr: not sent. Names of headers are compared without regard to case.
  const std::string* Header(std::string_view name) const;
  const std::string* Query(std::string_view name) const;
};

// The source of a response without an end. Next blocks until there is something to send; false: the
// stream is over.
class WebStream {
 public:
  virtual ~WebStream() = default;
  virtual bool Next(std::string* out) = 0;
};

struct WebResponse {
  int status = 200;
  std::string content_type;  // Empty: no body.
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<WebStream> stream;  // Instead of a body.
};

// Percent-decoding, strict: nullopt for a broken escape or a zero byte. In a query '+' is a space.
std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space);
// Splits and decodes the query; false when a part of it does not decode.
bool ParseQuery(std::string_view text, std::vector<std::pair<std::string, std::string>>* query);
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

}  // namespace bizond

#endif  // BIZOND_WEB_HTTP_TYPES_H_
