#include <fmt/format.h>

#include "destinations/bizon_columns.h"
#include "destinations/divergence.h"
#include "destinations/sqlite/rows.h"

namespace bizond {
namespace {

class BizonRows final : public SqliteRows {
 public:
  explicit BizonRows(const BizonIdMaker& ids) : columns_(ids) {}

  Status Attach(SqliteDatabase* database, const std::string& table,
                const std::string& like) override {
    (void)like;
    std::vector<TableColumn> columns;
    columns.reserve(std::size(kBizonColumns));
    for (const std::string_view name : kBizonColumns) {
      columns.push_back({.name = std::string(name), .type = "TEXT"});
    }
    BIZOND_ASSIGN_OR_RETURN(const auto present, ColumnsOf(database, table));
    if (!present) BIZOND_RETURN_IF_ERROR(CreateTable(database, table, columns));
    BIZOND_ASSIGN_OR_RETURN(insert_, PrepareInsert(database, table, columns));
    return {};
  }

  Status Insert(const RecordBatch& batch, UtcTime loaded_at) override {
    columns_.Begin(batch, loaded_at);
    insert_.Bind(2, columns_.extracted_at());
    insert_.Bind(3, columns_.loaded_at());
    char id[BizonIdMaker::kLength];
    for (const Record& record : batch.records()) {
      if (record.operation == Operation::kDelete) return Failure(DeleteUnsupported("sqlite"));
      columns_.WriteId(record, id);
      insert_.Bind(1, std::string_view(id, sizeof id));
      if (record.has_key) {
        insert_.Bind(4, record.key);
      } else {
        insert_.BindNull(4);
      }
      insert_.Bind(5, columns_.Timestamp(record));
      insert_.Bind(6, record.data);
      BIZOND_RETURN_IF_ERROR(insert_.Run());
    }
    insert_.ClearBindings();
    return {};
  }

  void Detach() override { insert_ = SqliteStatement(); }

 private:
  BizonColumns columns_;
  SqliteStatement insert_;
};

}  // namespace

std::unique_ptr<SqliteRows> MakeBizonRows(const BizonIdMaker& ids) {
  return std::make_unique<BizonRows>(ids);
}

Result<SqliteStatement> PrepareInsert(SqliteDatabase* database, const std::string& table,
                                      const std::vector<TableColumn>& columns) {
  std::string names;
  std::string values;
  for (size_t i = 0; i < columns.size(); ++i) {
    names += (i == 0 ? "" : ", ") + QuoteIdentifier(columns[i].name);
    values += fmt::format("{}?{}", i == 0 ? "" : ", ", i + 1);
  }
  return database->Prepare(
      fmt::format("INSERT INTO main.{} ({}) VALUES ({})", QuoteIdentifier(table), names, values));
}

}  // namespace bizond
