#include "cli/json_cells.h"

#include <nlohmann/json.hpp>

namespace bizond {
namespace {

using nlohmann::json;

std::string Text(const json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (!value.is_array()) return JsonLine(value);
  std::string joined;
  for (const json& item : value) joined += (joined.empty() ? "" : ", ") + Text(item);
  return joined.empty() ? "-" : joined;
}

}  // namespace

std::string Cell(const json& object, std::string_view pointer) {
  const json::json_pointer place{std::string(pointer)};
  return object.contains(place) ? Text(object.at(place)) : "-";
}

std::string MemberText(const json& object, std::string_view key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string JsonLine(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string JsonLines(const json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace);
}

}  // namespace bizond
