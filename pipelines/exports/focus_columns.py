"""The columns of the FOCUS Cost and Usage dataset as Outlay writes it: the specification's own, then Outlay's `x_` ones.

Columns of FOCUS that can hold nothing here (availability zones, commitment discounts, virtual currencies …) are left
out, as the specification asks of conditional columns that do not apply.
"""

from __future__ import annotations

import pyarrow as pa

#: a cost is price × quantity, exactly: 9 places of a price for a million tokens, 6 of a quantity of millions
MONEY, PRICE, QUANTITY = pa.decimal128(38, 15), pa.decimal128(38, 15), pa.decimal128(38, 12)
TEXT, COUNT, FLAG = pa.string(), pa.int64(), pa.bool_()

VERSIONS = ("1.4", "1.2")
LATEST = VERSIONS[0]
#: text as CSV and JSON write them; Parquet holds instants
INSTANTS = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")

STANDARD: dict[str, pa.DataType] = {
    "AllocatedMethodDetails": TEXT, "AllocatedMethodId": TEXT, "AllocatedResourceId": TEXT,
    "AllocatedResourceName": TEXT, "AllocatedTags": TEXT,
    "BilledCost": MONEY, "BillingAccountId": TEXT, "BillingAccountName": TEXT, "BillingAccountType": TEXT,
    "BillingCurrency": TEXT, "BillingPeriodEnd": TEXT, "BillingPeriodStart": TEXT,
    "CapacityReservationId": TEXT, "CapacityReservationStatus": TEXT,
    "ChargeCategory": TEXT, "ChargeClass": TEXT, "ChargeDescription": TEXT, "ChargeFrequency": TEXT,
    "ChargePeriodEnd": TEXT, "ChargePeriodStart": TEXT, "ConsumedQuantity": QUANTITY, "ConsumedUnit": TEXT,
    "ContractedCost": MONEY, "ContractedUnitPrice": PRICE, "EffectiveCost": MONEY, "HostProviderName": TEXT,
    "InvoiceId": TEXT, "InvoiceIssuerName": TEXT, "ListCost": MONEY, "ListUnitPrice": PRICE, "PricingCategory": TEXT,
    "PricingCurrency": TEXT, "PricingQuantity": QUANTITY, "PricingUnit": TEXT, "RegionId": TEXT, "RegionName": TEXT,
    "ServiceCategory": TEXT, "ServiceName": TEXT, "ServiceProviderName": TEXT, "ServiceSubcategory": TEXT,
    "SkuId": TEXT, "SkuMeter": TEXT, "SkuPriceDetails": TEXT, "SkuPriceId": TEXT,
    "SubAccountId": TEXT, "SubAccountName": TEXT, "SubAccountType": TEXT, "Tags": TEXT,
}  # fmt: skip
#: `x_RowId` is made of the row's key; outcome columns are the workflow's of the day, repeated on each of its rows
OWN: dict[str, pa.DataType] = {
    "x_RowId": TEXT, "x_ReportingDay": TEXT, "x_Workflow": TEXT, "x_Unit": TEXT, "x_TaskType": TEXT,
    "x_TaskTypeCosts": TEXT, "x_Model": TEXT, "x_TokenClass": TEXT, "x_ServiceTier": TEXT, "x_CostBasis": TEXT,
    "x_RequestCount": COUNT, "x_OutcomeCount": COUNT, "x_CostPerOutcome": QUANTITY, "x_EffectiveUnitPrice": PRICE,
    "x_ListPriceKnown": FLAG, "x_ContractTerm": TEXT, "x_UnattributedCost": MONEY, "x_UnattributedReason": TEXT,
}  # fmt: skip
#: what FOCUS 1.2 asks for and 1.4 has removed
OLDER = {"ProviderName": TEXT, "PublisherName": TEXT}


def schema(version: str = LATEST) -> pa.Schema:
    return pa.schema([*STANDARD.items(), *(OLDER.items() if version == "1.2" else ()), *OWN.items()])


def columns(version: str = LATEST) -> tuple[str, ...]:
    return tuple(schema(version).names)
