"""What a statement that only reads may be made of: nodes of its tree, and functions. Pure: lists and their reasons.

What is not listed is refused, so that a kind of node or a function that nobody looked at is not allowed by accident.
Left out of the functions are those that change something (sequences, settings, locks, other sessions), reach files, the
network or another database, wait, call a model, or make much out of little.
"""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NODES: Final = _words("""
    Select Union Except Intersect Subquery With CTE Table TableAlias From Join Lateral Where Group Having Qualify
    Order Ordered Limit Offset Fetch LimitOptions Distinct Values Pivot PivotAlias PivotAny UnpivotColumns TableSample
    Cube Rollup GroupingSets Window WindowSpec WithinGroup Filter IgnoreNulls RespectNulls HavingMax Alias Aliases
    Column Star Identifier Var Literal Boolean Null National HexString BitString Paren Tuple Bracket Slice DataType
    DataTypeParam PseudoType Interval IntervalSpan Kwarg Between In Like ILike Glob SimilarTo Escape Is Not Neg Any
    All EQ NEQ GT GTE LT LTE NullSafeEQ NullSafeNEQ Add Sub Mul Div IntDiv Mod DPipe BitwiseAnd BitwiseOr BitwiseXor
    BitwiseNot BitwiseLeftShift BitwiseRightShift AtTimeZone FromTimeZone JSON JSONValue JSONKeyValue JSONPath
    JSONPathRoot JSONPathKey JSONPathSubscript JSONPathWildcard JSONPathSlice JSONPathSelector JSONPathUnion
    TranslateCharacters Placeholder
""")
"""By the name of the parser's class."""

FUNCTIONS: Final = _words("""
    Abs Acos Acosh And AnyValue ApproxDistinct ApproxQuantile ArgMax ArgMin Array ArrayAgg ArrayAll ArrayAny
    ArrayContainedBy ArrayContains ArrayContainsAll ArrayFirst ArrayLast ArrayMax ArrayMin ArrayOverlaps ArrayPosition
    ArraySize ArrayToString Ascii Asin Asinh Atan Atan2 Atanh Avg BitLength BitwiseAndAgg BitwiseCount BitwiseOrAgg
    BitwiseXorAgg ByteLength Case Cast Cbrt Ceil Chr Coalesce Collate Concat ConcatWs Contains Convert Corr Cos Cosh
    Cot Count CountIf CovarPop CovarSamp CumeDist CurrentCatalog CurrentDatabase CurrentDate CurrentDatetime
    CurrentSchema CurrentTime CurrentTimestamp CurrentTimestampLTZ CurrentTimezone CurrentUser CurrentVersion Date
    DateAdd DateBin DateDiff DateFromParts DateSub DateTrunc Datetime DatetimeAdd DatetimeDiff DatetimeSub
    DatetimeTrunc Day DayOfMonth DayOfWeek DayOfWeekIso DayOfYear Dayname Decode DecodeCase Degrees DenseRank EndsWith
    EqualNull Exists Exp Extract First FirstValue Floor Format Greatest GroupConcat Grouping GroupingId Hex Hour If
    Initcap IsInf IsNan IsNullValue JSONArray JSONArrayAgg JSONArrayContains JSONBContains JSONBContainsAllTopKeys
    JSONBContainsAnyTopKeys JSONBContainsTopKey JSONBExists JSONBExtract JSONBExtractScalar JSONBObjectAgg JSONExists
    JSONExtract JSONExtractArray JSONExtractScalar JSONFormat JSONKeys JSONObject JSONObjectAgg JSONType
    JSONValueArray JustifyDays JustifyHours JustifyInterval Lag Last LastDay LastValue Lead Least Left Length
    Levenshtein List Ln Localtime Localtimestamp Log LogicalAnd LogicalOr Lower MD5 MakeInterval Map MapKeys MapSize
    Max Median Min Minute Mode Month Monthname MonthsBetween Nanvl NextDay NthValue Ntile Nullif NumberToStr Nvl2
    ObjectAgg Or Overlay ParseJSON PercentRank PercentileCont PercentileDisc Pi Pow PreviousDay Quantile Quarter
    Radians Rank RegrAvgx RegrAvgy RegrCount RegrIntercept RegrR2 RegrSlope RegrSxx RegrSxy RegrSyy Replace Reverse
    Right Round RowNumber SHA SHA2 SafeDivide Second Sign Sin Sinh Skewness Soundex Split SplitPart Sqrt StartsWith
    Stddev StddevPop StddevSamp StrPosition StrToDate StrToTime StrToUnix String StringToArray Struct StructExtract
    Stuff Substring SubstringIndex Sum Tan Tanh Time TimeAdd TimeDiff TimeFromParts TimeStrToDate TimeStrToTime
    TimeSub TimeToStr TimeToUnix TimeTrunc Timestamp TimestampAdd TimestampDiff TimestampFromParts TimestampSub
    TimestampTrunc ToChar ToDays ToDouble ToNumber Trim Trunc Try TryCast TsOrDsAdd TsOrDsDiff TsOrDsToDate
    TsOrDsToDatetime TsOrDsToTime TsOrDsToTimestamp Typeof Unhex Unicode UnixDate UnixMicros UnixMillis UnixSeconds
    UnixToStr UnixToTime Unnest Upper UtcDate UtcTime UtcTimestamp Variance VariancePop Week WeekOfYear WidthBucket
    Xor Year YearOfWeek YearOfWeekIso
""")
"""Functions that the parser has a class for, by its name."""

NAMED: Final = _words("""
    age array_length array_lower array_ndims array_upper bit_and bit_or bool_and bool_or btrim cardinality changes
    char_length character_length charindex choose clock_timestamp cume_dist current_setting date_format date_name
    date_part datename datepart daterange datetimeoffsetfromparts day_name eomonth every format_bytes from_days
    from_unixtime getdate getutcdate glob iif instr isdate isjson isnull isnumeric json_array_length json_build_array
    json_build_object json_contains json_contains_path json_depth json_each json_each_text json_extract_path
    json_extract_path_text json_group_array json_group_object json_length json_object_keys json_tree json_typeof
    json_valid jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
    jsonb_build_object jsonb_each jsonb_each_text jsonb_object_keys jsonb_pretty jsonb_strip_nulls jsonb_typeof
    julianday lcase lower_inc makedate maketime maxvalue microsecond minvalue now num_nonnulls num_nulls numrange
    octet_length ordinal parsename patindex period_add period_diff pg_column_size pg_database_size
    pg_get_constraintdef pg_get_indexdef pg_get_viewdef pg_relation_size pg_size_pretty pg_table_size
    pg_total_relation_size pg_typeof plainto_tsquery position quote_ident quote_literal quote_nullable quotename
    row_to_json sec_to_time sqlite_version statement_timestamp strcmp strftime string_agg switchoffset sysdate
    sysdatetime sysutcdatetime time_format time_to_sec timediff timeofday to_date to_json to_jsonb to_timestamp
    to_tsquery to_tsvector total transaction_timestamp try_convert try_parse ts_headline ts_rank ts_rank_cd ucase
    unixepoch upper_inc version websearch_to_tsquery weekday yearweek
""")
"""Other functions, by their lower-case name."""

STARTERS: Final = _words("""
    alter analyze attach backup bulk call checkpoint commit copy create dbcc deallocate declare delete deny detach
    disable drop dumpfile enable exec execute grant handler insert install into kill load lock merge optimize outfile
    pragma prepare print put raiserror readtext receive reconfigure refresh reindex release rename restore revert
    revoke rollback savepoint send set setuser shutdown truncate unlisten unload unlock update updatetext use vacuum
    waitfor writetext
""")
"""Words with which a statement begins that does more than read, or that belong to none that only reads.

Some databases need no semicolon between two statements (`SELECT 1 DELETE FROM t` is two in T-SQL), where a parser sees
a name in such a word.
"""
