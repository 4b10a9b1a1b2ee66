// The OpenAPI 3.1 document, made of the route table and the schemas of web/openapi_schemas.cc.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "web/openapi_schemas.h"
#include "web/routes.h"

namespace bizond {
namespace {

using nlohmann::json;

json Ref(std::string_view schema) {
  return {{"$ref", fmt::format("#/components/schemas/{}", schema)}};
}

struct Meaning {
  std::string_view status;
  std::string_view text;
};
constexpr Meaning kMeanings[] = {
    {"200", "Done"},          {"201", "Created"},
    {"202", "Accepted"},      {"204", "Done, nothing to say"},
    {"400", "Bad request"},   {"401", "A token is needed"},
    {"403", "Refused"},       {"404", "There is none"},
    {"409", "Conflict"},      {"412", "Precondition failed"},
    {"413", "Too large"},     {"415", "Unsupported media type"},
    {"422", "Invalid"},       {"500", "The daemon's own fault"},
    {"503", "Not available"},
};

std::string_view MeaningOf(std::string_view status) {
  for (const auto& [known, text] : kMeanings) {
    if (known == status) return text;
  }
  return "See the status";
}

// "200 Job", "204", "200 text/html"
void AddAnswer(json& responses, std::string_view answer) {
  const size_t space = answer.find(' ');
  const std::string_view status = answer.substr(0, space);
  json response = {{"description", MeaningOf(status)}};
  if (space != std::string_view::npos) {
    const std::string what(answer.substr(space + 1));
    if (what == "Problem") {
      response["content"]["application/problem+json"]["schema"] = Ref(what);
    } else if (what.find('/') != std::string::npos) {
      response["content"][what]["schema"] = {{"type", "string"}};
    } else {
      response["content"]["application/json"]["schema"] = Ref(what);
    }
  }
  responses[std::string(status)] = std::move(response);
}

json Responses(const Route& route) {
  json responses = json::object();
  std::string_view rest = route.answers;
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    AddAnswer(responses, Trim(rest.substr(0, comma)));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  // What any request may get.
  for (const std::string_view common : {"400 Problem", "403 Problem", "503 Problem"}) {
    if (!responses.contains(common.substr(0, 3))) AddAnswer(responses, common);
  }
  if (!route.open) AddAnswer(responses, "401 Problem");
  if (route.body != BodyKind::kNone) {
    AddAnswer(responses, "413 Problem");
    AddAnswer(responses, "415 Problem");
  }
  return responses;
}

json Body(const Route& route) {
  if (route.body == BodyKind::kJson) {
    return {{"required", false},
            {"content", {{"application/json", {{"schema", Ref(route.body_schema)}}}}}};
  }
  return {{"required", true},
          {"content",
           {{"application/json", {{"schema", {{"type", "object"}}}}},
            {"application/yaml", {{"schema", {{"type", "string"}}}}}}}};
}

// "/assets/{path*}" is "/assets/{path}" there; its names are parameters.
std::string PathOf(const Route& route, json* parameters) {
  std::string path;
  std::string_view rest = route.pattern;
  while (!rest.empty()) {
    const size_t open = std::min(rest.find('{'), rest.size());
    path += rest.substr(0, open);
    rest.remove_prefix(open);
    if (rest.empty()) break;
    const size_t close = rest.find('}');
    std::string_view name = rest.substr(1, close - 1);
    if (name.ends_with('*')) name.remove_suffix(1);
    path += fmt::format("{{{}}}", name);
    parameters->push_back(
        {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
    rest.remove_prefix(close + 1);
  }
  return path;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return lower;
}

}  // namespace

std::string OpenApiDocument() {
  json document = {
      {"openapi", "3.1.0"},
      {"info",
       {{"title", "bizond"},
        {"version", "1"},
        {"description", "Jobs, their runs and their state. Errors are problems of RFC 9457."},
        {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
      {"servers", json::array({{{"url", "/"}}})},
      {"components",
       {{"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}},
        {"schemas", json::parse(OpenApiSchemas())}}}};
  for (const Route& route : Routes()) {
    json parameters = json::array();
    const std::string path = PathOf(route, &parameters);
    for (const Parameter& parameter : route.parameters) {
      parameters.push_back({{"name", parameter.name},
                            {"in", parameter.in},
                            {"required", false},
                            {"description", parameter.about},
                            {"schema", {{"type", parameter.type}}}});
    }
    json operation = {{"summary", route.summary}, {"responses", Responses(route)}};
    if (!parameters.empty()) operation["parameters"] = std::move(parameters);
    if (route.body != BodyKind::kNone) operation["requestBody"] = Body(route);
    operation["security"] = route.open ? json::array() : json::array({{{"token", json::array()}}});
    document["paths"][path][LowerCase(route.method)] = std::move(operation);
  }
  return document.dump();
}

}  // namespace bizond
