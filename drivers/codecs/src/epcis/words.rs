//! The vocabulary's words that a shop needs, and which of them tell what happened.

/// Whether things are new, seen or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the standard")]
pub enum Action {
    Add,
    Observe,
    Delete,
}

impl Action {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Action::Add => "ADD",
            Action::Observe => "OBSERVE",
            Action::Delete => "DELETE",
        }
    }
}

macro_rules! words {
    ($(#[$note:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$note])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the names are those of the standard")]
        pub enum $name {
            $($variant,)+
        }

        impl $name {
            /// Its word.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }
        }
    };
}

words! {
    /// A step of business.
    BizStep {
        Commissioning = "commissioning",
        CycleCounting = "cycle_counting",
        Decommissioning = "decommissioning",
        EnteringExiting = "entering_exiting",
        Receiving = "receiving",
        RetailSelling = "retail_selling",
        Stocking = "stocking",
        Storing = "storing",
    }
}

words! {
    /// The condition of things.
    Disposition {
        Active = "active",
        Inactive = "inactive",
        InProgress = "in_progress",
        RetailSold = "retail_sold",
        Returned = "returned",
        SellableAccessible = "sellable_accessible",
        SellableNotAccessible = "sellable_not_accessible",
        Stolen = "stolen",
        Unknown = "unknown",
    }
}

/// What happened, in the shop's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A tag was put on a thing.
    Commissioned,
    /// A tag's life ended.
    Decommissioned,
    /// Things came in with a delivery.
    Received,
    /// Things arrived where customers can take them.
    OnFloor,
    /// Things arrived where they can't.
    InBackroom,
    /// Things were counted.
    Counted,
    /// Things were sold, by their EPC.
    Sold,
    /// Things came back from a customer.
    Returned,
    /// Things went out unsold, and a person confirmed it.
    LeftStolen,
    /// Things went out unsold; why is not known.
    LeftUnknown,
}

impl Happening {
    /// Action, step and condition.
    pub(super) fn words(self) -> (Action, BizStep, Option<Disposition>) {
        use {Action as A, BizStep as B, Disposition as D};
        let (action, step, disposition) = match self {
            Happening::Commissioned => (A::Add, B::Commissioning, D::Active),
            Happening::Decommissioned => (A::Delete, B::Decommissioning, D::Inactive),
            Happening::Received => (A::Observe, B::Receiving, D::InProgress),
            Happening::OnFloor => (A::Observe, B::Stocking, D::SellableAccessible),
            Happening::InBackroom => (A::Observe, B::Storing, D::SellableNotAccessible),
            // A count says where things are, not in which condition.
            Happening::Counted => return (A::Observe, B::CycleCounting, None),
            Happening::Sold => (A::Observe, B::RetailSelling, D::RetailSold),
            Happening::Returned => (A::Observe, B::Receiving, D::Returned),
            Happening::LeftStolen => (A::Observe, B::EnteringExiting, D::Stolen),
            Happening::LeftUnknown => (A::Observe, B::EnteringExiting, D::Unknown),
        };
        (action, step, Some(disposition))
    }
}
