// The shapes of bodies and answers, as components/schemas of the OpenAPI document.
//
// Threads: a constant.
#ifndef BIZOND_WEB_OPENAPI_SCHEMAS_H_
#define BIZOND_WEB_OPENAPI_SCHEMAS_H_

#include <string_view>

namespace bizond {

// JSON text: an object of schemas by name.
std::string_view OpenApiSchemas();

}  // namespace bizond

#endif  // BIZOND_WEB_OPENAPI_SCHEMAS_H_
