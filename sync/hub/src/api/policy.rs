//! How a store's stock is shown to channels, and which of its PCs grants.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use shelf_replica::hub::Hub;
use shelf_stock::identity::NodeId;
use shelf_stock::name::{ChannelId, ItemId};
use shelf_stock::quantity::Quantity;
use shelf_stock::sellable::Coefficient;
use shelf_wire::message::{
    ChannelPolicy, ItemPolicy, POLICY_CHANNELS_MAX, POLICY_ITEMS_MAX, Policy,
};
use utoipa::ToSchema;

use super::{Api, Problem, body, order, store};
use crate::orders::{Command, Outcome};

const HINT: &str = "coefficients are 0 to 1000 per mille, quantities thousandths from 0";

/// A store's policy.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct PolicyBody {
    /// Grows with every change. With PUT: the revision that is replaced, where it matters.
    revision: Option<u64>,
    /// The least safety stock of items without their own, in thousandths.
    #[serde(default)]
    safety_stock_thousandths: i64,
    /// Who sells, at most 32.
    channels: Vec<ChannelRow>,
    /// Items with their own, at most 1000.
    #[serde(default)]
    items: Vec<ItemRow>,
}

/// What one channel is shown.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct ChannelRow {
    channel: String,
    /// Its share of the stock above the safety stock, 0 to 1000 per mille.
    coefficient_per_mille: u16,
    /// The lowest loses its units first.
    #[serde(default)]
    priority: u32,
    /// It sells by itself what it was shown, as marketplaces do.
    #[serde(default)]
    external: bool,
}

/// What one item needs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct ItemRow {
    item: String,
    /// The least safety stock, in thousandths.
    #[serde(default)]
    safety_stock_thousandths: i64,
    /// The largest share for all channels together.
    coefficient_per_mille: Option<u16>,
}

/// The PC that grants.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct GrantorBody {
    /// Its identity, as /nodes lists them.
    node: String,
}

/// The PC that grants.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Grantor {
    /// Its identity; absent before the first PC said hello.
    node: Option<String>,
    /// The fencing number of rights.
    rights_epoch: u64,
}

impl PolicyBody {
    fn of(policy: &Policy) -> Self {
        let channel = |it: &ChannelPolicy| ChannelRow {
            channel: it.channel.to_string(),
            coefficient_per_mille: it.coefficient.as_per_mille(),
            priority: it.priority,
            external: it.external,
        };
        let item = |it: &ItemPolicy| ItemRow {
            item: it.item.to_string(),
            safety_stock_thousandths: it.safety_stock.as_thousandths(),
            coefficient_per_mille: it.coefficient.map(Coefficient::as_per_mille),
        };
        Self {
            revision: Some(policy.revision),
            safety_stock_thousandths: policy.safety_stock.as_thousandths(),
            channels: policy.channels.iter().map(channel).collect(),
            items: policy.items.iter().map(item).collect(),
        }
    }

    fn read(&self, revision: u64) -> Result<Policy, Problem> {
        let wrong = |what: String| Problem::unusable(what, HINT);
        if self.channels.len() > POLICY_CHANNELS_MAX || self.items.len() > POLICY_ITEMS_MAX {
            return Err(wrong("too many channels or items".to_owned()));
        }
        let share = |it| Coefficient::per_mille(it).map_err(|error| wrong(error.to_string()));
        let stock = |it: i64| match it >= 0 {
            true => Ok(Quantity::thousandths(it)),
            false => Err(wrong(format!("a safety stock of {it}"))),
        };
        let channel = |it: &ChannelRow| {
            Ok::<_, Problem>(ChannelPolicy {
                channel: ChannelId::new(&it.channel).map_err(|error| wrong(error.to_string()))?,
                coefficient: share(it.coefficient_per_mille)?,
                priority: it.priority,
                external: it.external,
            })
        };
        let item = |it: &ItemRow| {
            Ok::<_, Problem>(ItemPolicy {
                item: ItemId::new(&it.item).map_err(|error| wrong(error.to_string()))?,
                safety_stock: stock(it.safety_stock_thousandths)?,
                coefficient: it.coefficient_per_mille.map(share).transpose()?,
            })
        };
        let mut names: Vec<&str> = self.channels.iter().map(|it| it.channel.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        if names.len() != self.channels.len() {
            return Err(wrong("a channel stands there twice".to_owned()));
        }
        Ok(Policy {
            revision,
            safety_stock: stock(self.safety_stock_thousandths)?,
            channels: self
                .channels
                .iter()
                .map(channel)
                .collect::<Result<_, _>>()?,
            items: self.items.iter().map(item).collect::<Result<_, _>>()?,
        })
    }
}

/// How a store's stock is shown.
#[utoipa::path(get, path = "/api/v1/stores/{store}/policy", tag = "channels",
    params(("store" = String, Path, description = "the store's name")),
    responses(
        (status = 200, description = "the policy", body = PolicyBody),
        (status = 404, description = "no such store", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn one(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<PolicyBody>, Problem> {
    let read = |view: &dyn crate::storage::View, key| Hub::policy(&*view.shop(key));
    let policy = store::of_store(&api, &name, read).await?;
    Ok(Json(PolicyBody::of(&policy)))
}

/// Replaces how a store's stock is shown. The store may be new.
#[utoipa::path(put, path = "/api/v1/stores/{store}/policy", tag = "channels",
    params(("store" = String, Path, description = "the store's name")),
    request_body = PolicyBody,
    responses(
        (status = 200, description = "the policy as it is now", body = PolicyBody),
        (status = 409, description = "it was changed meanwhile", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "not a policy", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn put(
    State(api): State<Api>,
    Path(name): Path<String>,
    given: Result<Json<PolicyBody>, JsonRejection>,
) -> Result<Json<PolicyBody>, Problem> {
    let given = body(given)?;
    let store = order::store_name(&name)?;
    let current = api
        .readers
        .query(move |view| match view.store_named(&name)? {
            Some(key) => Ok(Hub::policy(&*view.shop(key))?.revision),
            None => Ok(0),
        });
    let current = current.await?;
    let changed = || {
        Problem::conflict(
            "the policy was changed meanwhile",
            "GET it, look at what is new, and send it again with its revision",
        )
    };
    if given.revision.is_some_and(|it| it != current) {
        return Err(changed());
    }
    let policy = given.read(current.saturating_add(1))?;
    match api
        .worker
        .command(Some(&store), Command::Policy(policy.clone()))
        .await?
    {
        Outcome::Done => Ok(Json(PolicyBody::of(&policy))),
        _ => Err(changed()),
    }
}

/// The PC that grants.
#[utoipa::path(get, path = "/api/v1/stores/{store}/grantor", tag = "channels",
    params(("store" = String, Path, description = "the store's name")),
    responses(
        (status = 200, description = "the PC", body = Grantor),
        (status = 404, description = "no such store", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn grantor(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<Grantor>, Problem> {
    let read = |view: &dyn crate::storage::View, key| Hub::grantor(&*view.shop(key));
    let (node, rights_epoch) = store::of_store(&api, &name, read).await?;
    let node = node.map(|it| it.to_string());
    Ok(Json(Grantor { node, rights_epoch }))
}

/// Makes another PC the one that grants, from its next hello on.
#[utoipa::path(put, path = "/api/v1/stores/{store}/grantor", tag = "channels",
    params(("store" = String, Path, description = "the store's name")),
    request_body = GrantorBody,
    responses(
        (status = 200, description = "the PC", body = Grantor),
        (status = 404, description = "no such store or PC", body = Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn set_grantor(
    State(api): State<Api>,
    Path(name): Path<String>,
    given: Result<Json<GrantorBody>, JsonRejection>,
) -> Result<Json<Grantor>, Problem> {
    let text = body(given)?.node;
    let missing = || {
        Problem::not_found(
            format!("`{name}` has no PC `{text}`"),
            "its PCs are listed at /api/v1/stores/{store}/nodes",
        )
    };
    let node: NodeId = text.parse().map_err(|_| missing())?;
    let seen = store::of_store(&api, &name, |view, key| view.seen(key)).await?;
    if !seen.iter().any(|(it, _)| *it == node) {
        return Err(missing());
    }
    let store = order::store_name(&name)?;
    api.worker
        .command(Some(&store), Command::Grantor(node))
        .await?;
    grantor(State(api), Path(name)).await
}
