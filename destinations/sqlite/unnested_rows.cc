#include <fmt/format.h>
#include <sqlite3.h>

#include <map>
#include <unordered_map>

#include "destinations/divergence.h"
#include "destinations/object_fields.h"
#include "destinations/sqlite/number.h"
#include "destinations/sqlite/rows.h"
#include "sync/cursor.h"

namespace bizond {
namespace {

constexpr size_t kColumnsMax = 2000;  // SQLITE_MAX_COLUMN

enum class Cell { kAny, kText, kInteger, kReal, kBoolean };

struct TypeRow {
  std::string_view type;
  Cell cell;
  std::string_view declared;
};

// What a schema's type is declared as. A type that is not listed, and a decimal, is declared TEXT:
// a number stands there as it was written, with all its digits.
constexpr TypeRow kTypes[] = {
    {"", Cell::kAny, ""},
    {"INTEGER", Cell::kInteger, "INTEGER"},
    {"INT64", Cell::kInteger, "INTEGER"},
    {"FLOAT", Cell::kReal, "REAL"},
    {"FLOAT64", Cell::kReal, "REAL"},
    {"BOOLEAN", Cell::kBoolean, "BOOLEAN"},
    {"BOOL", Cell::kBoolean, "BOOLEAN"},
    {"STRING", Cell::kText, "TEXT"},
};

const TypeRow& TypeOf(std::string_view type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return row;
  }
  return kTypes[std::size(kTypes) - 1];
}

struct Column {
  std::string key;
  TableColumn column;
  Cell cell = Cell::kAny;
  bool required = false;
};

Failure Mismatch(const Column& column, std::string_view token, std::string_view wanted) {
  return Fail(ErrorKind::kPermanent, "schema_mismatch",
              fmt::format("the column '{}' takes {}, and a record has {}", column.key, wanted,
                          token.substr(0, 100)),
              "change its type in destination.config.record_schemas (STRING keeps everything)");
}

std::string FoldCase(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

class UnnestedRows final : public SqliteRows {
 public:
  UnnestedRows(std::string target, std::vector<SchemaColumn> schema)
      : target_(std::move(target)), schema_(std::move(schema)) {}

  Status Attach(SqliteDatabase* database, const std::string& table,
                const std::string& like) override;
  Status Insert(const RecordBatch& batch, UtcTime loaded_at) override;
  void Detach() override {
    insert_ = SqliteStatement();
    columns_.clear();
    by_key_.clear();
    by_name_.clear();
  }

 private:
  Status LoadColumns(const std::vector<TableColumn>& columns);
  void AddToMaps(Column column);
  // The column of a key, made when the job lets columns be inferred.
  Result<size_t> ColumnOf(std::string_view key);
  Status MakeColumn(const std::string& key);
  Status InsertRecord(const Record& record);
  Status BindValue(size_t column, std::string_view token);
  Status BindString(size_t column, std::string_view token);
  Status CheckRequired();

  const std::string target_;
  const std::vector<SchemaColumn> schema_;
  SqliteDatabase* database_ = nullptr;
  std::string table_;
  bool table_exists_ = false;
  SqliteStatement insert_;
  std::vector<Column> columns_;
  std::unordered_map<std::string, size_t> by_key_;
  std::unordered_map<std::string, size_t> by_name_;  // Folded: SQLite's names have no case.
  size_t next_guess_ = 0;  // Records of one source mostly have the same keys in the same order.
  std::vector<std::string> scratch_;  // Unescaped strings, by column; kept until the row is in.
  std::vector<char> bound_;
  bool has_required_ = false;
};

Status UnnestedRows::Attach(SqliteDatabase* database, const std::string& table,
                            const std::string& like) {
  Detach();
  database_ = database;
  table_ = table;
  BIZOND_ASSIGN_OR_RETURN(auto present, ColumnsOf(database, table));
  table_exists_ = present.has_value();
  if (!present && schema_.empty()) {
    BIZOND_ASSIGN_OR_RETURN(present, ColumnsOf(database, like));
    if (present) BIZOND_RETURN_IF_ERROR(CreateTable(database, table, *present));
    table_exists_ = present.has_value();
  }
  if (!schema_.empty()) {
    std::vector<TableColumn> columns;
    for (const SchemaColumn& column : schema_) {
      const TypeRow& type = TypeOf(column.type);
      columns.push_back({.name = column.name, .type = std::string(type.declared)});
      AddToMaps({.key = column.name,
                 .column = columns.back(),
                 .cell = type.cell,
                 .required = column.required});
      has_required_ = has_required_ || column.required;
    }
    if (!table_exists_) BIZOND_RETURN_IF_ERROR(CreateTable(database, table, columns));
    table_exists_ = true;
    return {};
  }
  return present ? LoadColumns(*present) : Status{};
}

Status UnnestedRows::LoadColumns(const std::vector<TableColumn>& columns) {
  std::map<std::string, std::string> keys;  // By column.
  BIZOND_ASSIGN_OR_RETURN(
      SqliteStatement query,
      database_->Prepare("SELECT name, key FROM _bizond_columns WHERE target = ?1"));
  query.Bind(1, std::string_view(target_));
  while (true) {
    BIZOND_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) break;
    keys[query.Text(0)] = query.Text(1);
  }
  for (const TableColumn& column : columns) {
    const auto odd = keys.find(column.name);
    AddToMaps({.key = odd == keys.end() ? column.name : odd->second, .column = column});
  }
  return {};
}

void UnnestedRows::AddToMaps(Column column) {
  by_key_[column.key] = columns_.size();
  by_name_[FoldCase(column.column.name)] = columns_.size();
  columns_.push_back(std::move(column));
  scratch_.resize(columns_.size());
  bound_.resize(columns_.size());
}

Result<size_t> UnnestedRows::ColumnOf(std::string_view key) {
  if (next_guess_ < columns_.size() && columns_[next_guess_].key == key) return next_guess_++;
  std::string name(key);
  if (name.find('\\') != std::string::npos) name = UnescapeJsonString("\"" + name + "\"");
  auto found = by_key_.find(name);
  if (found == by_key_.end()) {
    BIZOND_RETURN_IF_ERROR(MakeColumn(name));
    found = by_key_.find(name);
  }
  next_guess_ = found->second + 1;
  return found->second;
}

Status UnnestedRows::MakeColumn(const std::string& key) {
  if (!schema_.empty()) {
    return Fail(ErrorKind::kPermanent, "schema_mismatch",
                fmt::format("a record has the key '{}', which is not in record_schemas",
                            key.substr(0, 200)),
                "add it to destination.config.record_schemas, or leave record_schemas out");
  }
  if (columns_.size() >= kColumnsMax) {
    return Fail(ErrorKind::kPermanent, "too_many_columns",
                fmt::format("the records have more than the {} keys that a table of SQLite has "
                            "columns for; the next one is '{}'",
                            kColumnsMax, key.substr(0, 200)),
                "write them without unnest: the record then stands in source_data");
  }
  // SQLite's names have no case, no zero byte and a few meanings of their own: such a key gets a
  // column beside, which _bizond_columns remembers.
  const std::string base(key.substr(0, key.find('\0')));
  std::string name = base;
  for (int i = 2; by_name_.contains(FoldCase(name)) || name.empty() || FoldCase(name) == "_rowid_";
       ++i) {
    name = fmt::format("{}_{}", base, i);
  }
  if (name != key) {
    BIZOND_ASSIGN_OR_RETURN(SqliteStatement remember,
                            database_->Prepare("INSERT OR REPLACE INTO _bizond_columns VALUES "
                                               "(?1, ?2, ?3)"));
    remember.Bind(1, std::string_view(target_));
    remember.Bind(2, std::string_view(key));
    remember.Bind(3, std::string_view(name));
    BIZOND_RETURN_IF_ERROR(remember.Run());
  }
  const Column column{.key = key, .column = {.name = name, .type = ""}};
  insert_ = SqliteStatement();
  if (table_exists_) {
    BIZOND_RETURN_IF_ERROR(AddColumn(database_, table_, column.column));
  } else {
    BIZOND_RETURN_IF_ERROR(CreateTable(database_, table_, {column.column}));
    table_exists_ = true;
  }
  AddToMaps(column);
  return {};
}

Status UnnestedRows::Insert(const RecordBatch& batch, UtcTime loaded_at) {
  (void)loaded_at;
  for (const Record& record : batch.records()) {
    if (record.operation == Operation::kDelete) return Failure(DeleteUnsupported("sqlite"));
    BIZOND_RETURN_IF_ERROR(InsertRecord(record));
  }
  return {};
}

Status UnnestedRows::InsertRecord(const Record& record) {
  // A new key makes a column and with it a new statement, so the columns are found first. Mostly
  // there is nothing to make, and the walk over the keys is all it costs.
  std::vector<char>& bound = bound_;
  next_guess_ = 0;
  if (!insert_.valid() || schema_.empty()) {
    ObjectFields fields(record.data);
    for (ObjectField field; fields.Next(&field);) BIZOND_RETURN_IF_ERROR(ColumnOf(field.key));
  }
  if (columns_.empty()) {
    return Fail(ErrorKind::kPermanent, "no_columns", "a record without any key has no columns",
                "write it without unnest: the record then stands in source_data");
  }
  if (!insert_.valid()) {
    std::vector<TableColumn> names;
    names.reserve(columns_.size());
    for (const Column& column : columns_) names.push_back(column.column);
    BIZOND_ASSIGN_OR_RETURN(insert_, PrepareInsert(database_, table_, names));
  }
  insert_.ClearBindings();
  bound.assign(columns_.size(), 0);
  next_guess_ = 0;
  ObjectFields fields(record.data);
  for (ObjectField field; fields.Next(&field);) {
    BIZOND_ASSIGN_OR_RETURN(const size_t column, ColumnOf(field.key));
    BIZOND_RETURN_IF_ERROR(BindValue(column, field.value));
    bound[column] = field.value != "null";
  }
  if (has_required_) BIZOND_RETURN_IF_ERROR(CheckRequired());
  return insert_.Run();
}

Status UnnestedRows::CheckRequired() {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].required && bound_[i] == 0) return Mismatch(columns_[i], "none", "a value");
  }
  return {};
}

Status UnnestedRows::BindValue(size_t at, std::string_view token) {
  const Column& column = columns_[at];
  const int index = static_cast<int>(at) + 1;
  const char first = token.empty() ? 'n' : token[0];
  if (first == 'n') {
    insert_.BindNull(index);
    return {};
  }
  const bool any = column.cell == Cell::kAny;
  if (first == '"' && (any || column.cell == Cell::kText)) return BindString(at, token);
  if (first == 't' || first == 'f') {
    if (any || column.cell == Cell::kBoolean) {
      insert_.Bind(index, int64_t{first == 't'});
      return {};
    }
  }
  if (column.cell == Cell::kText || first == '{' || first == '[') {
    if (!any && column.cell != Cell::kText) return Mismatch(column, token, "a scalar");
    insert_.Bind(index, token);
    return {};
  }
  if (first == '"' || first == 't' || first == 'f' || column.cell == Cell::kBoolean) {
    constexpr std::string_view kNames[] = {"anything", "text", "an integer", "a number",
                                           "true or false"};
    return Mismatch(column, token, kNames[static_cast<size_t>(column.cell)]);
  }
  const SqliteNumber number = ReadNumber(token);
  if (const auto* integer = std::get_if<int64_t>(&number)) {
    insert_.Bind(index, *integer);
  } else if (column.cell == Cell::kInteger) {
    return Mismatch(column, token, "integers of 64 bits");
  } else if (const auto* real = std::get_if<double>(&number)) {
    insert_.Bind(index, *real);
  } else if (column.cell == Cell::kReal) {
    return Mismatch(column, token, "numbers that a double holds exactly");
  } else {
    insert_.Bind(index, token);
  }
  return {};
}

Status UnnestedRows::BindString(size_t at, std::string_view token) {
  const int index = static_cast<int>(at) + 1;
  if (token.find('\\') == std::string_view::npos) {
    insert_.Bind(index, token.substr(1, token.size() - 2));
    return {};
  }
  scratch_[at] = UnescapeJsonString(token);
  // A lone surrogate is in no valid UTF-8: such a string is a blob, so that no byte of it is lost
  // and no reader takes it for text.
  const std::string& text = scratch_[at];
  bool lone = false;
  for (size_t i = 0; i + 1 < text.size() && !lone; ++i) {
    lone = text[i] == '\xed' && static_cast<unsigned char>(text[i + 1]) >= 0xa0;
  }
  if (lone) {
    insert_.BindBlob(index, text);
  } else {
    insert_.Bind(index, std::string_view(text));
  }
  return {};
}

}  // namespace

std::unique_ptr<SqliteRows> MakeUnnestedRows(std::string target, std::vector<SchemaColumn> schema) {
  return std::make_unique<UnnestedRows>(std::move(target), std::move(schema));
}

}  // namespace bizond
