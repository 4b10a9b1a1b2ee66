// RequestValues: typed parameters and bodies of requests, with errors that name them.
//
// Errors have the code invalid_parameter or invalid_body (both config), and a 400 for an answer.
//
// Threads: pure functions.
#ifndef BIZOND_WEB_REQUEST_VALUES_H_
#define BIZOND_WEB_REQUEST_VALUES_H_

#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "store/records.h"
#include "web/http_types.h"

namespace bizond {

inline constexpr int kPageLimitMax = 1000;

Result<int64_t> IntegerParameter(const WebRequest& request, std::string_view name,
                                 int64_t otherwise, int64_t least, int64_t most);
// nullopt: not sent.
Result<std::optional<bool>> BoolParameter(const WebRequest& request, std::string_view name);
Result<std::optional<UtcTime>> TimeParameter(const WebRequest& request, std::string_view name);
// `limit` and `cursor`.
Result<Page> PageParameters(const WebRequest& request);

// The body as a JSON object with no other keys than `keys`; an empty body is an empty object.
Result<nlohmann::json> ObjectBody(const WebRequest& request,
                                  std::initializer_list<std::string_view> keys);
// A member of such a body; the default when it is absent.
Result<bool> BoolMember(const nlohmann::json& body, const char* key);
Result<std::string> TextMember(const nlohmann::json& body, const char* key);

}  // namespace bizond

#endif  // BIZOND_WEB_REQUEST_VALUES_H_
