//! What permissions the operations need, and what is known of a pipe when that is decided.

use std::sync::Arc;

use platform::{Ctx, Facts, FactsFuture, Guard, Members, Need};
use wire::codec::Structure;

use crate::names::PipeName;
use crate::running::SERVICE;
use crate::service::Pipes;

/// The service's part in enforcement.
pub struct PipeGuard(pub Arc<Pipes>);

impl Guard for PipeGuard {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        let members = Members(input);
        let resource = match (members.text("resourceArn"), members.text("Name")) {
            (Some(arn), _) => arn,
            (None, Some(name)) => PipeName::here(cx, &name).arn(),
            (None, None) => "*".to_owned(),
        };
        let tags = [members.tags("Tags"), members.tags("tags")].concat();
        let keys = members.texts("tagKeys");
        let add = |need: Need| {
            let need = need.with_request_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
            if keys.is_empty() { need } else { need.with("aws:TagKeys", keys.clone()) }
        };
        let mut needs: Vec<Need> = Need::of_operation(cx, &resource).into_iter().map(add).collect();
        if let Some(role) = members.text("RoleArn") {
            needs.push(Need::new("iam:PassRole", role).with("iam:PassedToService", vec![SERVICE.to_owned()]));
        }
        needs
    }

    fn facts<'a>(&'a self, _: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(async move {
            let Some(name) = PipeName::parse_arn(&need.resource) else { return Ok(Facts::default()) };
            let tags = self.0.find(&name).await?.map(|pipe| pipe.tags.into_iter().collect()).unwrap_or_default();
            Ok(Facts { tags, ..Facts::default() })
        })
    }
}
