// What libcurl's codes mean to those who read errors. HttpClient's own affair.
//
// Threads: pure functions.
#ifndef BIZOND_BASE_HTTP_FAILURE_H_
#define BIZOND_BASE_HTTP_FAILURE_H_

#include <curl/curl.h>

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace bizond {

// `what`: method and URL, as they may be shown. `detail`: libcurl's words, or "".
Error ErrorOf(CURLcode code, std::string_view what, std::string_view detail);

Error TooLargeError(std::string_view what, uint64_t max_bytes);

}  // namespace bizond

#endif  // BIZOND_BASE_HTTP_FAILURE_H_
