#include "destinations/sqlite/cursor_function.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "destinations/json_string.h"
#include "destinations/object_fields.h"
#include "destinations/sqlite/number.h"
#include "sync/cursor.h"

namespace bizond {
namespace {

std::string_view TextOf(sqlite3_value* value) {
  const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value));
  return {bytes == nullptr ? "" : bytes, static_cast<size_t>(sqlite3_value_bytes(value))};
}

void ReturnKey(sqlite3_context* context, std::string_view token) {
  std::string key;
  if (const Result<CursorValue> value = CursorValue::Parse(token)) {
    // Two types do not compare; the first byte keeps them apart.
    key.push_back(static_cast<char>(value->type()));
    if (value->type() != CursorType::kNone) value->AppendSortKey(&key);
  }
  sqlite3_result_blob64(context, key.data(), key.size(), SQLITE_TRANSIENT);
}

void CursorOfRecord(sqlite3_context* context, int, sqlite3_value** values) {
  const auto& field = *static_cast<const std::string*>(sqlite3_user_data(context));
  ObjectFields fields(TextOf(values[0]));
  std::string_view token;
  // As everywhere, the last of equal keys counts.
  for (ObjectField found; fields.Next(&found);) {
    const bool escaped = found.key.find('\\') != std::string_view::npos;
    if (escaped ? UnescapeJsonString(fmt::format("\"{}\"", found.key)) == field
                : found.key == field) {
      token = found.value;
    }
  }
  ReturnKey(context, token);
}

void CursorOfColumn(sqlite3_context* context, int, sqlite3_value** values) {
  const std::string_view text = TextOf(values[0]);
  std::string token;
  switch (sqlite3_value_type(values[0])) {
    case SQLITE_INTEGER:
      token = fmt::format("{}", sqlite3_value_int64(values[0]));
      break;
    case SQLITE_FLOAT:
      token = fmt::format("{}", sqlite3_value_double(values[0]));
      break;
    case SQLITE_TEXT:
      // A number stands as text when no cell of SQLite holds it as a number.
      if (IsOversizedNumber(text)) {
        token = text;
      } else {
        AppendJsonString(text, &token);
      }
      break;
    default:
      break;
  }
  ReturnKey(context, token);
}

}  // namespace

Status AddCursorFunctions(SqliteDatabase* database, const std::string& cursor_field) {
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
  auto* field = new std::string(cursor_field);  // Freed by SQLite, below.
  int code = sqlite3_create_function_v2(database->handle(), "bizond_cursor", 1, kFlags, field,
                                        CursorOfRecord, nullptr, nullptr,
                                        [](void* data) { delete static_cast<std::string*>(data); });
  if (code == SQLITE_OK) {
    code = sqlite3_create_function_v2(database->handle(), "bizond_cursor_value", 1, kFlags, nullptr,
                                      CursorOfColumn, nullptr, nullptr, nullptr);
  }
  if (code == SQLITE_OK) return {};
  return Failure(database->ErrorOf(code));
}

}  // namespace bizond
